/* schemas_things.c: stories about things: lost, found, broken, made, bought, given, exchanged.
 *
 * A row is a title, where it can begin, and its beats: "events :: template | template". A (the hero)
 * and s (where she is) are known before the first beat; see template.c for the language. */
#include "teller_impl.h"

const Schema schemas_things[] = {
    {"lost and found",
     ANYWHERE,
     {"colour o k; has A o; lose A o; want A o :: {A} had [an k:colour] [o:toy+gem+wear], but now "
      "{o} was "
      "lost. | \"My [k:colour] [o:toy+gem+wear] is gone!\" cried {A}. | {A} could not find "
      "{a's} [k:colour] [o:toy+gem+wear] any more.",
      "@sad", "~@search",
      "help B A :: [B:friend] (came/walked by/ran up) and helped {A} to look. | Then [B:friend] "
      "joined the search and was a great help to {A}. | [B:friend] heard it and helped {A} [adv].",
      "find B o; hid o x :: At last, {B} found {o} [x:spot]. | \"Look!\" said {B}. {o} was "
      "[x:spot]. | {B} "
      "bent down [adv] and found {o} [x:spot].",
      "give B A o :: {B} gave {o} back to {A}. | {a} got {o} back from {B}. | {B} handed {o} to "
      "{A} [adv].",
      "@thankB", "@end"}},
    {"the lost thing of a stranger",
     ANYWHERE,
     {"find A o; hid o x :: [x:spot], {A} found [an look] [o:gem+wear+tool] that belonged to "
      "somebody else. | {A} "
      "saw something [x:spot]: it was [an look] [o:gem+wear+tool] that a stranger had dropped. | "
      "Somebody had forgotten [an o:gem+wear+tool] [x:spot], and {A} found it.",
      "\"Who may have lost this?\" {A} wondered. | {a} wanted to find the owner. | {A} did not "
      "keep it, but "
      "(asked around/hung up a sign/waited/called out).",
      "meet A B; want B o :: Soon [an B:role] came by and looked for {o}. | After a while, {A} met "
      "[an B:role] who "
      "missed {o} very much. | \"Have you seen {o}?\" asked [an B:role].",
      "give A B o :: {A} gave {o} to {B} [adv]. | \"Here you are,\" said {A} and gave {o} to {B}. "
      "| {B} got {o} "
      "back from {A}.",
      "@thankA", "~@treat", "@end"}},
    {"the broken toy",
     ANYWHERE,
     {"has A o; crack o :: {A} was playing with [an o:toy+music] when it broke with [an noise]. | "
      "With [an noise], the "
      "[colour] [o:toy+music] of {A} broke in two. | {A} dropped [an look] [o:toy+music], and it "
      "broke.",
      "@sad",
      "wish A :: \"I wish {o} were whole again,\" said {A}. | {a} hoped that someone could mend "
      "{o}. | {A} "
      "wanted {o} to work again.",
      "ask A B :: {A} brought {o*} to [B:adult] and asked for help. | \"Can you mend {o}?\" {A} "
      "asked [B:adult]. | "
      "{A} showed {o} to [B:adult] and asked for help.",
      "fix B o; done A; help B A :: {B} fixed {o} with (glue/tape/wire/string/two nails). | With "
      "[an tool] and some "
      "(glue/tape/thread/paint), {B} fixed {o}. | It took [number] minutes, then {B} had fixed "
      "{o}.",
      "@thankB", "@end"}},
    {"the gift",
     ANYWHERE,
     {"love B y; want A o :: [B:friend] loved [y:craze], so {A} wanted [an look] [o:gem+toy+wear] "
      "as a gift. | {A} "
      "wanted to find [an o:gem+toy+wear] for [B:friend], who loved [y:craze]. | Tomorrow was a "
      "feast, and {A} wanted "
      "[an o:gem+toy+wear] for [B:friend], a fan of [y:craze].",
      "go A q :: {A} went to [q>:away+house]. | So {A} (ran/walked/rode) to "
      "[q>:away+house]. | {A} set out [adv] "
      "for [q>:away+house].",
      "buy A o :: There {A} bought {o} for [number] coins. | [an role] sold {o} there, and {A} "
      "bought it. | {A} paid "
      "[number] coins and bought {o}.",
      "{A} wrapped {o} in [colour] paper. | {a} put {o} into [an colour] box with a ribbon. | {A} "
      "hid {o} in a "
      "(bag/basket/sack) until (night/noon/supper).",
      "give A B o :: Then {A} gave {o} to {B}. | \"This is for you,\" said {A} and gave {o} to "
      "{B}. | At last, {A} "
      "(ran/walked) to {B} and gave {o} away.",
      "@thankA", "@end"}},
    {"the trade",
     OUTSIDE,
     {"has A o; want A p :: {A} had [an o:toy+gem] but wanted [an look] [p:tool+music]. | {A} was "
      "tired of {a's} [o:toy+gem] "
      "and wanted [an p:tool+music]. | In {a's} bag {A} carried [an o:toy+gem], but what {a} "
      "wanted was "
      "[an p:tool+music].",
      "has B p; meet A B :: There was [B:friend] with [an colour] bag, and in it was {p}. | By "
      "luck, {A} met [B:friend], who "
      "owned {p}. | [B:friend] came along with {p} (under one arm/on one shoulder/in one hand).",
      "\"Shall we (swap/trade/exchange)?\" asked {A}. | {a} (offered/proposed/suggested) a trade. "
      "| {A} and {B} looked "
      "at both things [adv].",
      "@nod",
      "give A B o; give B A p :: {A} gave {o} to {B} and got {p}. | So {o} went to {B}, and {p} "
      "went to "
      "{A}. | They swapped: {B} took {o}, and {A} took {p}.",
      "Both were (content/amazed/cheering) and (shook hands/waved/bowed). | It was a fair deal. | "
      "Each had what the other "
      "had (loved/used/owned) before.",
      "~@lesson", "@end"}},
    {"the map",
     ANYWHERE,
     {"find A o; hid o x :: {A} opened an old chest and found a map; it lay [x:spot] with [an "
      "colour] [o:gem+wear]. | An old map led "
      "{A} to [an look] [o:gem+wear], which lay [x:spot]. | {A} followed a map with [an colour] "
      "cross and found [an "
      "o:gem+wear] [x:spot].",
      "meet A B :: Just then, [B:friend] arrived. | {a} showed {o} to [B:friend]. | [B:friend] had "
      "followed {A} and saw {o}.",
      "\"It must be [number] hundred years old,\" said {B}. | {b} "
      "(whistled/gasped/blinked/clapped). | {B} thought {o} "
      "belonged to a (pirate/king/wizard/duke).",
      "want B o :: {B} wanted {o} so much. | {b} would have loved to have {o}. | \"I want {o} "
      "too,\" said {B} [adv].",
      "give A B o :: {A} gave {o} to {B} and kept the map. | Because {A} was generous, {B} got "
      "{o}. | \"Take it,\" said "
      "{A} and gave {o} to {B}.",
      "@thankA", "~@home", "@end"}},
    {"the kite in the tree",
     OUTSIDE,
     {"has A o; lose A o; want A o :: The wind blew {a's} [o:toy+wear] into a high tree. | {A} "
      "threw {a's} [colour] "
      "[o:toy+wear] too high, and it got stuck in a tree. | A gust of wind took {a's} [o:toy+wear] "
      "and hung it "
      "in the branches of [an plant].",
      "@sad",
      "{A} jumped [number] times but could not reach {o*}. | {a} shook the trunk, but {o} stayed "
      "up there. | [an flyer] sat "
      "beside {o} and looked down.",
      "~@nature",
      "help B A; find B o :: [B:adult] brought a ladder and helped {A}: soon {o} was down. | Then "
      "[B:adult] "
      "climbed up to help {A} and came down with {o}. | With a long pole, [B:adult] helped {A} and "
      "got {o}.",
      "give B A o :: {B} gave {o} to {A}. | \"Here it is,\" said {B} and gave {o} to {A}.",
      "@thankB", "@end"}},
    {"making a thing",
     ANYWHERE,
     {"want A o :: {A} wanted to have [an look] [o:craft], but there was none. | \"We need [an "
      "o:craft] here,\" {A} thought. | "
      "{A} dreamed of [an look] [o:craft].",
      "First, {A} gathered (boards/twigs/paper/clay/cloth/wire) and "
      "(nails/glue/paint/ribbons/string). | {a} borrowed [an tool] "
      "and [an tool]. | {A} drew a plan with [an colour] (pen/crayon/chalk).",
      "~@try",
      "help B A :: [B:friend] came to help {A}. | [B:friend] held the parts and helped {A}. | {A} "
      "worked with the help "
      "of [B:friend].",
      "make A o; colour o k :: At last, {A} had made {o} and painted {o*} [k:colour]. | Then {A} "
      "made {o}, all in [k:colour]. | "
      "Before (dusk/noon/supper), {A} finished {o} and coloured {o*} [k:colour].",
      "@thankB", "~@detail", "@end"}},
    {"the wrong bag",
     ANYWHERE,
     {"find A o; has B p; want A p :: {A} looked into a bag, but it was the bag of [B:friend], and "
      "in it was [an o:gem+tool] instead of [an "
      "p:wear+food]. | By mistake, [B:friend] had the bag with {a's} [p:wear+food], and {A} had a "
      "bag with "
      "[an o:gem+tool].",
      "feel A f :: {a} was [f:sad] about the mistake. | \"Oh dear,\" said {A} and felt [f:sad].",
      "go A q; meet A B :: {A} hurried to [q>:away+house], where {B} was. | {a} met {B} at "
      "last, far away: [q:away+house]. | "
      "The two met [q:away+house].",
      "give A B o; give B A p :: {A} gave {o} to {B}, and {B} gave {p} to {A}. | They exchanged "
      "the bags: {o} for {B}, {p} for "
      "{A}.",
      "They (laughed/giggled) about the [look] bags. | \"Next time we write our names on them,\" "
      "said {B}. | "
      "{B} tied [an colour] ribbon to one bag.",
      "~@treat", "@end"}},
    {"borrowed and returned",
     ANYWHERE,
     {"want A o; has B o :: {A} wanted to work but needed [an o:tool], and only [B:adult] owned "
      "one. | {A} wanted to borrow "
      "[an o:tool] from [B:adult]. | [B:adult] had [an look] [o:tool], and {A} wanted to use it.",
      "@askB",
      "give B A o :: {B} gave {o} to {A} for a day. | \"Bring it back soon,\" said {B} and gave "
      "{o} to "
      "{A}. | {B} lent {o} to {A} [adv].",
      "With {o*}, {A} could (build/mend/clean/finish) [an craft]. | {a} used {o} to [chore]. | {A} "
      "worked with {o} for [number] "
      "hours.",
      "give A B o :: Then {A} (cleaned/wiped/washed) {o} and gave {o*} back to {B}. | In time, {A} "
      "returned {o} to {B}. | {B} "
      "got {o} back from {A} (before dark/on time/the next day).",
      "thank A B :: {A} said thank you and (bowed/waved/smiled). | {a} thanked {B} with [treat].",
      "~@lesson", "@end"}},
    {"the coin",
     ANYWHERE,
     {"find A o; hid o x :: {A} saw a coin and [an look] [o:gem] [x:spot] and kept both. | "
      "Something glittered [x:spot]: {A} picked up [an "
      "o:gem].",
      "~@nature",
      "meet A B; feel B f :: Then {A} met [an B:role] who was [f:sad]. | [an B:role] sat there and "
      "was [f:sad]. | {A} noticed [an "
      "B:role], who looked [f:sad].",
      "want B o :: \"I had {o} long ago and want {o*} back,\" said {B}. | {b} told {A} how much "
      "{o} would mean: a "
      "(house/farm/ship/roof) could be paid with it. | {B} looked at {o} and wanted it.",
      "give A B o :: {A} gave {o} to {B}. | {a} did not think long and gave {o} to {B} [adv].",
      "@thankA",
      "has B p; give B A p :: In return, {B} gave {A} [an p:food]. | {b} gave [an look] [p:toy] to "
      "{A}.",
      "@end"}},
    {"the new shoes",
     ANYWHERE,
     {"want A o; colour o k :: {A} wanted [an k:colour] [o:wear] for [season]. | The old [o:wear] "
      "was too small, and {A} wanted [an k:colour] "
      "one. | \"I want [an k:colour] [o:wear],\" said {A}.",
      "go A q; go B q :: [B:adult] went with {A} to [q>:house]. | {a} and [B:adult] "
      "(drove/walked/cycled) to [q>:house].",
      "{A} tried on [number] of them [adv]. | The first was too (tight/loose/long/dark), the "
      "second too (wide/heavy/stiff/thin). | A "
      "[trait] [role] showed them [number] kinds.",
      "buy B o :: Then {B} bought {o}. | {b} paid [number] coins and bought {o}.",
      "give B A o :: {B} gave {o} to {A}. | Outside, {B} gave {o} to {A}.", "@thankB",
      "{A} wore {o*} all the way home. | {a} "
      "looked in every (window/puddle/mirror) on the way. | It fitted like (magic/a dream/a second "
      "skin).",
      "@end"}},
    {"the letter",
     ANYWHERE,
     {"has A o; want B o :: {A} held a letter and [an o:gem+food] that [B:adult] was waiting for. "
      "| The postman had left [an o:gem+food] for "
      "[B:adult] with {A}. | A parcel with [an o:gem+food] for [B:adult] had come to {A} by "
      "mistake.",
      "go A q :: {A} carried {o} to [q>:away+house]. | {a} took {o} along to "
      "[q>:away+house]. | With {o}, {A} "
      "(marched/cycled/ran) to [q>:away+house].",
      "~@nature",
      "The way was (steep/muddy/narrow/slippery/crowded), but {A} held {o} tight. | {a} crossed "
      "[number] (streets/bridges/"
      "fields) with {o}.",
      "give A B o :: There {A} gave {o} to {B}. | {b} was there, and {A} gave {o} away. | {A} "
      "knocked [number] "
      "times, and {B} got {o}.",
      "@thankA", "~@treat", "@end"}},
    {"the missing piece",
     INSIDE,
     {"wish A :: {A} wanted to finish a big picture of [an beast], but one piece was missing. | A "
      "picture of [an beast] "
      "was almost done, only one piece was missing, and {A} wished to find it. | {A} wanted to end "
      "a puzzle with [an beast] on "
      "it, but a piece was gone.",
      "@sad", "~@search",
      "help B A; hid o x; find B o :: [B:friend] helped {A} and found [an look] [o:gem] [x:spot], "
      "and with it the piece. | "
      "With the help of [B:friend], who found [an o:gem] [x:spot], {A} saw the piece too.",
      "done A :: {A} put the piece in its place, and the [look] picture was done. | Now the "
      "picture was whole.",
      "@thankB", "@end"}},
    {"the clock that stopped",
     INSIDE,
     {"crack o; wish A :: The [look] [o:music+brass] in the corner had stopped working, and {A} "
      "wished to hear it again. | Suddenly, the [o:music+brass] broke, "
      "and {A} wished it would work again.",
      "{A} listened [adv]: no (tick/sound/click) at all. | Without {o*}, the room was too "
      "(quiet/still/dark).",
      "meet A B; ask A B :: {A} fetched [an B:role] and asked for help. | {a} called [an B:role] "
      "to help.",
      "fix B o; done A; help B A :: {B} oiled a wheel and fixed {o}. | {b} turned [number] screws "
      "and fixed {o}. | With [an tool], "
      "{B} fixed {o}.",
      "[noise], [noise], went {o}. | {o} made [an look] sound. | Now {o} worked (again/better than "
      "ever/like new).",
      "thank A B :: {A} thanked {B} with [treat]. | \"Thank you,\" said {A} to {B}.", "~@detail",
      "@end"}},
};
const int schemas_n_things = (int)(sizeof schemas_things / sizeof *schemas_things);
