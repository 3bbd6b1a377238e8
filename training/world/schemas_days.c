/* schemas_days.c: stories about days: weather, feasts, journeys, strange and small adventures.
 *
 * The form of a row is described in schemas_things.c. */
#include "teller_impl.h"

const Schema schemas_days[] = {
    {"rain and shelter",
     OUTSIDE,
     {"wish A :: Suddenly it rained hard, and {A} wanted a dry place. | Big drops fell, and {A} "
      "had no roof above. | A storm came up, and {A} wanted to be dry.",
      "meet A B :: [B:friend] was out in the rain as well. | There stood [B:friend], wet to the "
      "bone.",
      "has B o; give B A o :: {B} had [an look] [o:wear] too many and gave it to {A}. | {b} "
      "carried [an o:wear] and gave it to {A}.",
      "go A q; go B q; done A :: They ran to [q>:house] and were dry. | Together they [moved] to "
      "[q>:house], and there it was dry.",
      "They listened to the thunder: [noise], [noise]! | Outside, the [sky] fought with the [sky].",
      "thank A B :: {A} thanked {B} for {o}. | \"Thank you for {o},\" said {A} to {B}.", "~@treat",
      "@end"}},
    {"the birthday",
     INSIDE,
     {"want A o :: It was the birthday of {A}, who was [number] years old and wanted [an "
      "o:toy+music]. | {A} had a birthday and wanted only one thing: [an o:toy+music].",
      "There was a cake with [stuff] and [number] candles. | On the table stood [treat] and a cake "
      "with [stuff].",
      "meet A B; has B o :: [B:friend] came with [an colour] box. In it was {o}. | The first guest "
      "was [B:friend], with {o} in [colour] paper.",
      "give B A o :: {B} gave {o} to {A}. | \"Happy birthday!\" said {B}, and {A} got {o}.",
      "@thankB",
      "play A B g :: Then {A} and {B} played [g:game]. | They played [g:game] until [number] "
      "o'clock.",
      "@end"}},
    {"the picnic",
     OUTSIDE,
     {"has A o :: {A} had packed [an o:food] for a picnic. | For the picnic, {A} brought [an "
      "o:food] in [an colour] basket.",
      "meet A B; want B o :: [B:friend] came, who had forgotten to bring food and wanted {o}. | "
      "[B:friend] came without a basket and looked at {o}.",
      "give A B o :: {A} broke off a bit and gave {o} to {B}. | \"I am not hungry, you can have "
      "it,\" said {A} and gave {o} to {B}.",
      "eat B o :: {B} ate {o} [adv]. | In the shade, {B} ate {o}.",
      "[number] ants carried the crumbs away. | [an flyer] stole a bit of [stuff]. | They lay on "
      "[an colour] blanket and looked at the clouds.",
      "@thankA", "@home", "@end"}},
    {"the train journey",
     ANYWHERE,
     {"wish A :: {A} was going to travel by train with [B:adult]. | With [B:adult], {A} wanted to "
      "ride the [colour] train.",
      "go A q; go B q :: They rode to [q>:away]. | The train took them to [q>:away] in "
      "[number] hours.",
      "Through the window {A} saw [number] cows and [an beast]. | In a tunnel it was dark, and "
      "somebody went [noise]. | [an role] checked the tickets.",
      "done A; has B o; give B A o :: When they arrived, {B} had [an o:food] left and gave it to "
      "{A}. | At the end of the ride, {B} gave {A} the last [o:food].",
      "@thankB", "~@nature", "@end"}},
    {"the ship",
     OUTSIDE,
     {"wish A :: A ship with [colour] sails lay there, and {A} wanted to sail on it. | {A} saw a "
      "ship named after [an flyer] and wanted to see the sea.",
      "meet A B; ask A B :: The captain was [an B:role]. {A} asked to come along. | \"May I "
      "come?\" {A} asked [an B:role], who owned the ship.",
      "@nod",
      "go A q; go B q; done A :: They sailed for [number] days and came to [q>:away]. | The "
      "wind was good, and they landed at last: [q:away].",
      "find A o; hid o x :: There {A} found [an o:gem] [x:spot]. | And there, [x:spot], {A} found "
      "[an look] [o:gem].",
      "give A B o :: {A} gave {o} to {B} for the journey. | As pay for the trip, {B} got {o} from "
      "{A}.",
      "thank B A :: {B} thanked {A} and gave the ship a new flag. | \"Thank you, sailor,\" said "
      "{B} to {A}.",
      "@end"}},
    {"the dark night",
     INSIDE,
     {"feel A f; wish A :: The lamp went out, and {A} was [f:sad] in the dark. | It was dark, "
      "something went [noise], and {A} felt [f:sad].",
      "{A} heard it again: [noise], [noise]. | [an look] shadow [moved] over the wall.",
      "ask A B :: {A} called [B:adult] for help. | \"Help!\" {A} called to [B:adult].",
      "has B o; help B A :: {B} came with [an o:tool] and helped {A} to look. | With [an o:tool], "
      "{B} came to help {A}.",
      "meet A C; done A :: It was only [an C:pet] that sat [spot]. | They found out who it was: "
      "[an C:pet].",
      "@thankB", "~@lesson", "@end"}},
    {"the market day",
     OUTSIDE,
     {"want A o; wish B :: [B:adult] sent {A} out to buy [an o:food] and [stuff]. | {A} was to buy "
      "[an o:food] for [B:adult].",
      "There were [stuff], [stuff] and [stuff] everywhere. | [an role] shouted: \"Fresh [stuff]!\"",
      "buy A o :: {A} bought {o} for [number] coins. | At the [look] stall, {A} bought {o}.",
      "~@nature",
      "give A B o; done B :: Back home, {A} gave {o} to {B}. | {b} got {o} from {A} just in time.",
      "thank B A :: {B} thanked {A} with [treat]. | \"Well done, thank you,\" said {B} to {A}.",
      "@end"}},
    {"the wish star",
     ANYWHERE,
     {"want A o :: A star fell, and {A} wished for [an look] [o:toy+gem]. | {A} blew out a candle "
      "and wished for [an o:toy+gem]. | {A} threw a coin into a well and wished for [an look] "
      "[o:toy+gem].",
      "The next [part], nothing had happened. | {a} waited for [number] days. | {A} told nobody "
      "about it.",
      "@sad",
      "hid o x; find A o; colour o k :: But then {A} found [an k:colour] one [x:spot]: it was {o}. "
      "| On [day], {A} found {o} [x:spot], all [k:colour].",
      "meet A B :: [B:adult] stood at the door and smiled. | Behind {A}, [B:adult] "
      "(laughed/winked/coughed) [adv].",
      "help B A :: \"Sometimes a wish needs help,\" said {B}. | {b} had helped the wish to come "
      "true.",
      "@thankB", "@end"}},
    {"the secret door",
     INSIDE,
     {"wish A :: Behind a picture of [an beast], {A} saw a small door and wanted to know what was "
      "behind it. | {A} leaned on the wall, and a secret door was there, but it was locked; {A} "
      "wanted to open it.",
      "take A o; hid o x :: {A} took [an o:tool] that lay [x:spot]. | [x:spot] lay [an look] "
      "[o:tool], and {A} took it.",
      "~@try",
      "done A :: With {o} in hand, {A} opened the door: [noise]! | The door opened with [an "
      "noise].",
      "find A p :: Behind it, {A} found [an p:gem+toy]. | In [an colour] box, {A} found [an look] "
      "[p:gem+toy].",
      "meet A B; give A B p :: {A} showed {p} to [B:adult] and gave it away as a gift. | \"This is "
      "for you,\" said {A} to [B:adult] and gave {p} away.",
      "@thankA", "@end"}},
    {"the robot",
     ANYWHERE,
     {"meet A C; wish C; wish A :: {A} met [an look] [C:beast] that could speak and asked for a "
      "song. | \"Sing me a song,\" said [an C:beast] to {A}.",
      "{A} knew a song about [an pet] and [an flyer]. | {a} sang of the [sky] and the [sky].",
      "done C :: {C} listened [adv] and was still. | {c} danced to it [number] times.",
      "teach C A u; done A :: Then {C} taught {A}, and {A} learned to [u:skill]. | In return, {A} "
      "learned to [u:skill] with the help of {C}.",
      "thank A C :: {A} thanked {C} [adv]. | \"Thank you,\" said {A} to {C}.", "~@nature", "@end"}},
    {"the moon picnic",
     ANYWHERE,
     {"wish A :: {A} dreamed of a trip to the moon in [an colour] rocket. | In a dream, {A} flew "
      "to the stars in [an look] rocket.",
      "meet A C :: Up there, {A} met [an C:beast] with [number] eyes. | [an C:beast] with [colour] "
      "ears opened the door of the rocket.",
      "has C o; give C A o :: {C} had [an o:food] made of cheese and gave it to {A}. | As a "
      "welcome, {C} gave {A} [an o:food].",
      "eat A o :: {A} ate {o} and floated [adv]. | {a} ate {o} in [number] bites.",
      "thank A C :: {A} thanked {C} and waved goodbye. | \"Thank you, and come to see me,\" said "
      "{A} to {C}.",
      "done A :: Then {A} woke up: what a dream! | The bell rang, and {A} woke up.", "@end"}},
    {"the muddy day",
     OUTSIDE,
     {"has A o; lose A o; want A o :: {A} jumped into a puddle, and the mud took {a's} [o:wear]. | "
      "In deep mud, {A} lost {a's} [colour] [o:wear].",
      "{A} pulled: [noise]! It was stuck. | The mud went [noise] and did not let go.",
      "ask A B :: \"Help me pull!\" {A} called to [B:friend]. | {a} asked [B:friend] for help.",
      "@nod",
      "help B A; find A o :: {B} pulled [adv], and {A} had {o} again. | They pulled [number] "
      "times, {A} and {B}, and {A} had {o} again.",
      "Both were [colour] from top to toe. | They looked like [an beast] and [an pet].", "@thankB",
      "~@home", "@end"}},
    {"the circus",
     OUTSIDE,
     {"wish A :: The circus was in town, and {A} wanted to see [an beast] that could [skill]. | "
      "[an colour] tent stood there: the circus! {A} wanted to go in.",
      "has B o; meet A B :: At the door was [an B:role] with [an o:toy]. | {a} met [an B:role] who "
      "held [an o:toy].",
      "help A B :: {A} helped {B} to [chore]. | \"Help me to [chore], then you may come in,\" said "
      "{B}, and {A} helped.",
      "done A :: So {A} saw it all: [an beast], [an beast] and [number] clowns. | {a} sat in the "
      "first row and saw [an beast] on [an pet].",
      "give B A o :: After the show, {B} gave {o} to {A}. | {a} got {o} from {B} to keep.",
      "@thankA", "~@detail", "@end"}},
    {"the lost tooth",
     ANYWHERE,
     {"feel A f; wish A :: {A} had a loose tooth and was [f:sad]. | A tooth was loose, and {A} "
      "felt [f:sad] about it.",
      "help B A :: \"Eat [an food],\" said [B:adult] to help {A}. | [B:adult] helped {A} and told "
      "about [number] teeth of [an beast].",
      "{A} bit into [an food]: [noise]! | With [an noise], out it came.",
      "done A :: The tooth was out. | {a} held the little tooth in one hand.",
      "has B o; give B A o :: For the tooth, {B} gave {A} [an look] [o:gem+toy]. | The next day, "
      "{A} got [an o:gem+toy] from {B}.",
      "@thankB", "~@detail", "@end"}},
    {"the visit to the museum",
     INSIDE,
     {"wish A :: {A} wanted to see the bones of [an beast]. | There was a show about [hobby], and "
      "{A} wanted to see it.",
      "meet A B; ask A B :: {A} asked [an B:role] for the way. | \"Where must I go?\" {A} asked "
      "[an B:role].",
      "help B A; done A :: {B} showed it to {A} and knew everything about it. | {b} helped {A} and "
      "opened [an look] door to it.",
      "has B o :: {B} had [an look] [o:gem] in a glass box. | \"This is the oldest [o:gem] of "
      "all,\" said {B}.",
      "It was [number] thousand years old. | It came from a king with [number] horses.", "@thankB",
      "~@treat", "@end"}},
    {"the stuck door",
     INSIDE,
     {"wish A :: The door was stuck, and {A} could not get out. | In the night a big branch had "
      "fallen "
      "against the door, and {A} could not open it.",
      "take A o :: {A} took [an o:tool] and began to push. | There was only [an o:tool]; {A} took "
      "it and pushed.",
      "~@try",
      "meet A B; help B A :: On the other side, [B:friend] pulled too and helped {A}. | From "
      "outside, "
      "[B:friend] came to help {A}.",
      "done A :: At [number] o'clock, the door was free. | At last, {A} could go out.", "@thankB",
      "play A B g :: Out in the fresh air, they played [g:game]. | Then {A} and {B} played "
      "[g:game] in the "
      "open.",
      "@end"}},
};
const int schemas_n_days = (int)(sizeof schemas_days / sizeof *schemas_days);
