/* schemas_others.c: stories about others: animals in need, friends, quarrels, people who are alone.
 *
 * The form of a row is described in schemas_things.c. */
#include "teller_impl.h"

const Schema schemas_others[] = {
    {"the hurt animal",
     OUTSIDE,
     {"meet A C :: {A} saw [an look] [C:pet] with a hurt (leg/foot/ear/eye). | A hurt [C:pet] lay "
      "in the grass. {A} saw it. | Under a leaf "
      "sat [an C:pet] that was hurt, and {A} noticed it.",
      "~@nature",
      "ask A B :: {A} ran to [B:adult] and asked for help. | \"Please help the poor animal,\" {A} "
      "asked [B:adult].",
      "help B C; help A C; help B A :: {B} and {A} gave {C} (water/milk/a bandage/a warm bed). | "
      "{a} held {C}, and {B} put on a bandage. | Together "
      "they cleaned the wound and helped {C}.",
      "After [number] days, {C} could (walk/play/stand/move) again. | Soon {C} ate [stuff] and "
      "slept well. | {C} "
      "needed [number] (days/nights/weeks) of rest.",
      "@thankB", "@end"}},
    {"the animal in the hole",
     OUTSIDE,
     {"meet A C :: {A} heard a cry: [an C:pet] had fallen into a deep hole. | In a deep hole sat "
      "[an C:pet], and {A} heard it cry. | A small "
      "voice came out of a hole: it was [an C:pet] that {A} heard.",
      "wish A :: {A} wanted to get {C} out. | \"I must get {C} out of there,\" {A} thought.",
      "take A o :: {A} took [an o:tool] that lay [spot]. | {a} saw [an o:tool] [spot] and took it. "
      "| With quick steps, {A} went and took [an o:tool].",
      "~@try",
      "help A C; done A :: {A} let {o} down and pulled {C} up [adv]. | With {o} and much care, {A} "
      "helped {C} out. | {A} reached down with "
      "{o}, and {C} climbed out.",
      "{C} shook off the (dust/mud/sand/dirt). | {c} looked back and (nodded/blinked/squeaked). | "
      "{C} [moved] around {A} [number] times.",
      "~@treat", "@end"}},
    {"the hungry animal",
     ANYWHERE,
     {"meet A C; has A o :: [an C:pet] came to {A} and looked hungry; {A} had [an o:food]. | {A} "
      "was about to eat [an o:food] when [an C:pet] came near. | "
      "Hungry eyes looked at {A} and {a's} [o:food]: it was [an C:pet].",
      "want C o :: {C} wanted {o}. | {c} sniffed at {o} and wanted to have it. | {C} looked only "
      "at {o}.",
      "give A C o :: {A} gave {o} to {C}. | {a} put {o} down [adv] for {C}. | \"You need it "
      "more,\" said {A} and gave {o} to {C}.",
      "eat C o :: {C} ate {o} [adv]. | In [number] bites, {C} ate {o}. | {C} ate all of {o}, even "
      "the (skin/crumbs/core).",
      "From that hour, {C} followed {A}. | {c} came back each [day]. | {C} lay down beside {A} and "
      "slept.",
      "~@lesson", "@end"}},
    {"the animal that would not sleep",
     INSIDE,
     {"meet A C; wish A :: [an C:pet] made such a noise that {A} wished for some sleep. | {A} "
      "could not sleep because [an C:pet] went [noise], [noise] all night. | "
      "It was late, but [an C:pet] did not let {A} sleep.",
      "{A} tried [treat], but {C} would not (listen/stop/rest). | {a} closed the "
      "(door/window/shutters), but it did not help.",
      "help B A :: Then [B:adult] came to help {A}. | [B:adult] woke up and helped {A}.",
      "{B} sang a lullaby about the [sky] and the [sky]. | {b} told a story of [an beast] and [an "
      "flyer]. | {B} counted [number] sheep.",
      "done A :: {C} yawned and slept, and {A} slept too. | At last {C} fell asleep, and so did "
      "{A}.",
      "@end"}},
    {"the lost animal",
     ANYWHERE,
     {"meet A C; feel C f :: A lost [C:pet] sat there with [f:sad] eyes, and {A} spoke to it. | "
      "{A} found [an C:pet] that did not know the way; its eyes were [f:sad]. | "
      "\"Where is your home?\" {A} asked [an C:pet] that looked [f:sad].",
      "{C} had [an colour] (collar/ribbon/tag) with a number. | {c} could only say: [noise], "
      "[noise].",
      "go A q; go C q :: {A} and {C} (walked/went/wandered) to [q>:away+house]. | {a} carried "
      "{C} to [q>:away+house].",
      "meet A B; has B p :: There stood [an B:role] with [an p:food] who had missed {C} for "
      "[number] days. | There [an B:role] with [an p:food] "
      "called for {C}. | {C} jumped for joy: there was [an B:role] with [an p:food].",
      "help A B :: {A} had helped {B} and gave {C} back. | {a} let {C} run to {B}, and that was a "
      "big help.",
      "give B A p :: {B} gave {p} to {A}. | As a reward, {A} got {p} from {B}.", "@thankA",
      "@end"}},
    {"the new child",
     ANYWHERE,
     {"meet A B; feel B f :: A new neighbour had come: [an B:role], who was [f:sad] and alone. | "
      "{A} met [an B:role] who was new here and [f:sad]. | Nobody knew [an B:role] who had "
      "just moved in and was [f:sad].",
      "wish A :: {A} wanted {B} to feel at home. | \"I want to be a friend,\" {A} thought.",
      "{A} said hello and told {B} about [hobby]. | {a} showed {B} the [look] street and the "
      "[look] school. | {A} knew a joke about [an beast] and told it.",
      "play A B g; done A :: They played [g:game] [adv]. | Then they played [g:game] for [number] "
      "hours. | {A} and {B} played [g:game] and "
      "(laughed/cheered/sang).",
      "help A B :: With {A}, {B} was not alone any more. That was a help. | {b} said it helped to "
      "have someone near.",
      "@thankA", "~@treat", "@end"}},
    {"the quarrel",
     ANYWHERE,
     {"want A o; want B o :: {A} and [B:friend] both wanted [an look] [o:toy+tool]. | \"It is "
      "mine!\" cried {A}. \"No, mine!\" cried [B:friend]. Both wanted [an look] [o:toy+tool]. | "
      "There was only one [o:toy+tool], but {A} wanted it and [B:friend] wanted it as well.",
      "feel A f :: {A} was [f:sad] and turned away. | They (shouted/pulled/argued/pushed) until "
      "{A} felt [f:sad].",
      "[an role] (heard/saw) them and shook (her/his) head. | For [number] minutes, nobody spoke.",
      "\"Let us take turns,\" said {A}. | {a} had an idea: they could take turns.", "@nod",
      "has A o :: First {A} had {o}. | {a} was the first to have {o} for [number] minutes.",
      "give A B o :: Then {A} gave {o} to {B}. | After that, it was the turn of {B}, who got {o} "
      "from {A}.",
      "~@lesson", "@end"}},
    {"saying sorry",
     ANYWHERE,
     {"has B o; crack o :: {A} had broken [an o:toy+gem] of [B:friend] by accident. | By accident, "
      "{A} sat on [an o:toy+gem] of [B:friend] and broke it. | {A} stepped on the [colour] "
      "[o:toy+gem] of "
      "[B:friend], and it broke.",
      "feel A f :: {A} was [f:sad] because of it. | \"What have I done?\" {A} thought and felt "
      "[f:sad].",
      "wish A :: {A} wanted to be friends again. | {a} wished to make it good.",
      "\"I am sorry,\" said {A} [adv]. | {a} said sorry and looked at the (floor/ground/wall).",
      "fix A o :: With [an tool] and some tape, {A} fixed {o}. | {a} worked for [number] hours and "
      "fixed {o}.",
      "done A :: {B} forgave {A}. | \"We are still friends,\" said {B}. | {B} smiled, and all was "
      "good.",
      "~@treat", "@end"}},
    {"the sick friend",
     ANYWHERE,
     {"feel B f; want B o :: [B:friend] was ill and [f:sad] and wanted [an o:food]. | {A} heard "
      "that [B:friend] had a (fever/cold/cough), was [f:sad] and "
      "wanted nothing but [an o:food].",
      "make A o :: {A} made [an look] one [adv]: {o} for {B}. | In the kitchen, {A} made {o} with "
      "[stuff] and [stuff].",
      "go A q :: {A} took {o} to [q>:house], where {B} lay in bed. | With {o} in [an colour] "
      "basket, {A} went to [q>:house], where {B} was.",
      "give A B o :: {A} gave {o} to {B}. | There {B} got {o} from {A}.",
      "eat B o :: {B} ate {o} and felt better. | {b} ate {o} [adv].", "@thankA",
      "{B} could (stand/walk/play) again after [number] days. | {a} read a story about [an beast] "
      "until {B} slept.",
      "@end"}},
    {"the old neighbour",
     OUTSIDE,
     {"meet A B; wish B :: [an B:role] with [number] heavy bags stood there and could not carry "
      "them. | {A} met [an B:role] who carried too many bags. | \"These bags are so heavy,\" said "
      "[an B:role] to "
      "{A}.",
      "\"May I help?\" asked {A}. | {a} offered to help [adv].",
      "go A q; go B q; help A B; done B :: {A} carried the bags to [q>:away+house], and {B} "
      "walked beside. | Together they took everything to [q>:away+house], and {A} helped {B} "
      "all the way.",
      "On the way, {B} told a story about [an beast]. | {b} knew every [flyer] and every [plant] "
      "by name. | They (rested/stopped) [number] times.",
      "has B p; give B A p :: {B} had [an p:food] and gave it to {A}. | From a pocket, {B} took "
      "[an p:food] and gave it to {A}.",
      "@thankA", "@end"}},
    {"the shy child",
     ANYWHERE,
     {"wish B :: [B:friend] was shy and only watched the others. | {A} saw that [B:friend] stood "
      "alone and wanted to join in. | The others played, but [B:friend] was too shy to ask.",
      "{A} went over and smiled. | {a} waved [adv]. | \"Come and join us,\" called {A}.",
      "\"I do not know the rules,\" said {B}. | {b} turned [colour] and said nothing. | {B} took "
      "one [look] step.",
      "teach A B u :: So {A} taught {B}, and {B} learned to [u:skill]. | {a} showed how it is "
      "done, and {B} learned to [u:skill]. | First {B} learned to [u:skill] from {A}.",
      "done B; play A B g :: Then {A} and {B} played [g:game] with the others. | Soon {B} played "
      "[g:game] with {A} and was not shy.",
      "@thankA", "~@lesson", "@end"}},
    {"the beast that was kind",
     OUTSIDE,
     {"meet A C; feel A f :: Out of the bushes came a huge [C:beast], and {A} was [f:sad]. | {A} "
      "felt [f:sad]: there stood a big [C:beast]. | [an look] [C:beast] blocked the way, and {A} "
      "became [f:sad].",
      "want C o; has A o :: But {C} only wanted [an o:food] that {A} had. | {c} did not bite; it "
      "wanted the [o:food] in {a's} hand.",
      "give A C o :: {A} gave {o} to {C}. | With a shaking hand, {A} gave {o} to {C}.",
      "eat C o :: {C} ate {o} and purred. | {c} ate {o} with [an noise].",
      "go A q; go C q :: Then {C} carried {A} on its back to [q>:away]. | {a} rode on {C} to "
      "[q>:away].",
      "~@nature", "@lesson", "@end"}},
    {"the nest",
     OUTSIDE,
     {"meet A C; wish A :: A young [C:flyer] had fallen out of its nest, and {A} wanted to help. | "
      "{A} saw a little [C:flyer] on the ground below a nest and wanted to help.",
      "The nest was high up in [an plant]. | {c} cried: [noise], [noise]!",
      "ask A B :: {A} asked [B:adult] for a ladder. | {a} called [B:adult] for help.", "@nod",
      "help B A :: {B} held the ladder for {A}. | {b} brought a ladder of [number] steps and held "
      "it.",
      "help A C; done A :: {A} put {C} back into the nest [adv]. | Step by step, {A} climbed up "
      "and laid {C} into its nest.",
      "@thankB", "@end"}},
    {"the lonely giant",
     ANYWHERE,
     {"meet A C; feel C f; wish C :: [an C:beast] lived nearby and was [f:sad], because everybody "
      "ran away from it. | Everyone was afraid of [an C:beast], but it was only [f:sad] and wanted "
      "a friend; {A} knew that.",
      "{A} did not run. | {a} stayed and said hello. | {A} sat down beside {C} [adv].",
      "love C y :: \"I love [y:craze],\" said {C}. | {c} told {A} that it loved [y:craze].",
      "play A C g; done C :: They played [g:game] until it was dark. | {a} and {C} played [g:game] "
      "[number] times.",
      "help A C :: {A} told the others, and nobody ran away again. That helped {C}. | {a} helped "
      "{C} to meet all the neighbours.",
      "thank C A :: {C} thanked {A} with [an look] [gem]. | \"Thank you, {A},\" said {C} in a deep "
      "voice.",
      "@end"}},
    {"waiting for someone",
     ANYWHERE,
     {"wish A :: {A} waited for [B:adult], who was away for [number] days. | \"When will [B:adult] "
      "come?\" {A} asked every hour. | {A} missed [B:adult] and counted the days.",
      "@sad",
      "{A} looked out of the window and saw only the [sky]. | {a} wrote a letter and drew [an "
      "flyer] on it. | {A} tried to [skill] but could not think.",
      "~@nature",
      "done A :: Then the door opened and there was {B}! | Suddenly {A} heard steps: {B} was back.",
      "has B o; give B A o :: {B} had brought [an o:gem+toy] and gave it to {A}. | In the "
      "suitcase, {B} had [an o:gem+toy] for {A}, a gift from far away.",
      "thank A B :: {A} thanked {B} with a kiss. | \"Thank you!\" said {A} and hugged {B}.",
      "@end"}},
};
const int schemas_n_others = (int)(sizeof schemas_others / sizeof *schemas_others);
