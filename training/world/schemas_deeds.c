/* schemas_deeds.c: stories about doing: learning, racing, cooking, growing, working, playing.
 *
 * The form of a row is described in schemas_things.c. */
#include "teller_impl.h"

const Schema schemas_deeds[] = {
    {"learning a skill",
     ANYWHERE,
     {"wish A :: {A} wanted to learn how to [u:skill]. | \"I cannot [u:skill],\" said {A}, \"but I "
      "want to learn it.\" | All the others could [u:skill], only {A} could not.",
      "@sad",
      "ask A B :: {A} asked [B:adult] for help. | \"Will you help me?\" {A} asked [B:adult]. | \"Can "
      "you teach me to {u}?\" {A} asked [B:adult].",
      "@nod", "@try",
      "teach B A u; done A :: {B} taught {A} with patience, and {A} learned to {u}. | {B} taught {A} "
      "day after day, until it went well. | With the help of {B}, {A} learned to {u} in "
      "[number] days. | In [number] days {B} had taught {A} all there was to know.",
      "@thankB", "@end"}},
    {"the race",
     OUTSIDE,
     {"wish A :: There was a race from the gate to the [look] tree, and {A} wanted to run. | On "
      "[day], {A} wanted to run in the great race. | {A} wanted to be faster than [an pet] and "
      "joined a race.",
      "meet A B :: [B:friend] ran too. | The fastest of all was [B:friend]. | Beside {A} stood "
      "[B:friend] in [colour] shoes.",
      "Ready, steady, go! They [moved] over the [look] track. | [an role] blew a whistle, and all "
      "ran off. | [number] runners started with [an noise].",
      "help A B :: Halfway, {B} fell, and {A} stopped and helped. | {b} tripped over [an look] "
      "root, and {A} helped {B} up.",
      "win B; done A :: They ran on side by side, and {B} won. | In the end, {B} was one step "
      "ahead and won.",
      "@thankA", "~@treat", "@end"}},
    {"winning the prize",
     ANYWHERE,
     {"want A o :: The first prize in the contest was [an look] [o:gem+wear], and {A} wanted it. | "
      "{A} read about a contest; the winner would get [an o:gem+wear], and {A} wanted it. | \"Who "
      "can [skill] best?\" asked a poster. "
      "{A} wanted the prize: [an o:gem+wear].",
      "{A} practised [adv] for [number] days. | Every [part], {A} practised for [number] hours. | "
      "{A} trained with [an tool] and [an music].",
      "~@try",
      "has B o :: [an B:role] was the judge and held {o}. | The judge was [an B:role], who had {o} "
      "ready.",
      "{A} was very good. The crowd (clapped/cheered/roared). | When it was the turn of {A}, "
      "everything went [adv]. | {A} did better than [number] others.",
      "win A; give B A o :: So {A} won, and {B} gave {o} to the winner. | {a} won and got {o} from "
      "{B}.",
      "thank A B :: {A} thanked {B} and (bowed/smiled/waved).", "@end"}},
    {"making soup",
     INSIDE,
     {"wish A :: {A} wanted to make a soup with [stuff] and [stuff]. | It was cold, and {A} wanted "
      "a hot soup. | \"Today we make soup,\" said {A}.",
      "help B A :: [B:adult] helped {A} and cut the [stuff]. | [B:friend] helped {A} and stirred "
      "the pot.",
      "They added [stuff], then [stuff] and a bit of [stuff]. | In went [number] potatoes and some "
      "[stuff]. | The pot was [look] and the spoon was [look].",
      "Suddenly the soup boiled over: [noise]! | The soup cooked for [number] minutes. | It "
      "smelled of [stuff].",
      "done A :: At last, the soup was ready, and {A} tasted it. | Then they ate the soup [adv].",
      "@thankB", "~@detail", "@end"}},
    {"baking a cake",
     INSIDE,
     {"want A o :: {A} wanted to bake [an look] [o:food]. | Tomorrow was a feast, so {A} wanted to "
      "bake [an o:food]. | {A} found a recipe for [an o:food] and wanted to bake it.",
      "First came [stuff], then [stuff], then [number] eggs. | {a} mixed [stuff] with [stuff] "
      "[adv]. | They had [stuff] on the table and [stuff] on the floor.",
      "help B A :: [B:adult] helped {A} with the hot oven. | The oven was hot, so [B:adult] helped "
      "{A}.",
      "make A o :: After [number] minutes, {A} had made {o}. | At last {A} took {o} out of the "
      "oven, well made.",
      "give A B o :: {A} gave {o} to {B} to try first. | {b} got {o} from {A}.",
      "eat B o :: {B} ate {o} and asked for more. | {b} ate {o} in [number] bites.",
      "thank B A :: {B} thanked {A} and licked every (finger/plate/fork).", "@end"}},
    {"planting a seed",
     OUTSIDE,
     {"has A o; want A p :: {A} had a seed in [an o:tool] and wanted it to become [an p:plant]. | "
      "\"From this seed in my [o:tool] will grow [an p:plant],\" said {A}. | {A} carried a seed in "
      "[an o:tool] and wanted [an p:plant] of {a's} own.",
      "{A} dug [an look] hole and put the seed in. | {a} pushed the seed into the [look] ground.",
      "Every [part], {A} watered it [adv]. | The rain came, and then the [sky]. | For [number] "
      "weeks, nothing happened.",
      "@sad", "~@nature",
      "has A p; colour p k :: Then {p} grew and had [k:colour] leaves. | One day, there was {p} "
      "with [k:colour] buds.",
      "meet A B :: Even [an B:role] came to see it. | [an B:role] stopped and looked at {p}.",
      "@end"}},
    {"the big build",
     OUTSIDE,
     {"want A o :: {A} wanted to build [an o:craft] bigger than [an role]. | \"Let us build the "
      "biggest [o:craft] of all,\" said {A}. | {A} planned [an o:craft] with [number] corners.",
      "meet A B :: [B:friend] wanted to build it too. | [B:friend] brought [an tool] and [an "
      "tool].",
      "Together they carried sand, wood and [number] stones. | {a} and {B} worked [adv] side by "
      "side. | They needed [number] hours for the walls.",
      "A wave came: [noise]! They had to start again. | Once it fell over, but they laughed.",
      "help B A; make A o; colour o k :: With the help of {B}, {A} made {o}, and it was "
      "[k:colour]. | At last {A} had made {o} with the help of {B}, all in [k:colour].",
      "@thankB", "~@home", "@end"}},
    {"the treehouse",
     OUTSIDE,
     {"wish A :: {A} and [B:friend] wanted a house in a tree. | {A} looked up at a big tree, and "
      "so did [B:friend]: they wanted a house up there.",
      "{B} brought [number] boards, and {A} brought nails. | {a} found [an tool], and {B} found "
      "[an tool].",
      "@try",
      "help C B; help C A :: [an C:role] helped with the roof. | Then [an C:role] came and helped "
      "them.",
      "done A :: After [number] days, the house was done. | At last they sat up there, [number] "
      "feet above the ground.",
      "From there they saw [an flyer] and the [sky]. | They painted the door [colour] and the roof "
      "[colour].",
      "thank A C; thank B C :: They both thanked {C} with [treat]. | {a} and {B} thanked {C} "
      "[adv].",
      "@end"}},
    {"cleaning up",
     INSIDE,
     {"has A o; lose A o; want A o :: The room was such a mess that {A} could not see {a's} "
      "[o:toy+wear] any more. | In a big mess of [stuff] and socks, {A} had lost [an o:toy+wear].",
      "{A} began to [chore]. | First {A} had to [chore].",
      "{A} threw away [number] old things. | There was dust [spot], and there was [an food] "
      "[spot]!",
      "~@search",
      "find A o; hid o x :: When all was clean, {A} saw {o} [x:spot]. | And there was {o}, "
      "[x:spot], and {A} took it.",
      "meet A B :: [B:adult] came in and could not believe it. | \"Is this the same room?\" asked "
      "[B:adult].",
      "~@treat", "@end"}},
    {"the chores",
     ANYWHERE,
     {"wish A :: {A} had to [chore] and to [chore] before dinner. | \"You must [chore] first,\" "
      "was written on a note for {A}. | It was the task of {A} to [chore] and to [chore].",
      "@sad",
      "ask A B :: {A} asked [B:friend] for help. | \"Will you help me, please?\" {A} asked "
      "[B:friend].",
      "@nod", "help B A :: {B} helped and made a game of it. | {b} helped {A} and whistled [adv].",
      "done A :: In [number] minutes, all was done. | Together they were done before the clock "
      "struck [number].",
      "@thankB", "~@treat", "@end"}},
    {"the band",
     ANYWHERE,
     {"has A o :: {A} played the [o:music] all alone. | {A} sat there with [an look] [o:music] and "
      "played [adv]. | All day, {A} practised on [an o:music].",
      "wish A :: {A} wished to play in a band. | But one alone is no band, and {A} wanted a band.",
      "meet A B; has B p :: Then came [B:friend] with [an p:brass]. | {a} met [B:friend], who "
      "played the [p:brass].",
      "done A; play A B g :: They played {o} and {p} together, as easily as [g:game]. | Together, "
      "{o} and {p} sounded as merry as a game of [g:game].",
      "People stopped and (clapped/danced/listened). | [an role] threw [number] coins into a hat.",
      "~@treat", "@end"}},
    {"hide and seek",
     ANYWHERE,
     {"wish B; play A B g :: {A} and [B:friend] played [g:game] first and then hide and seek. | "
      "After a round of [g:game], {A} and [B:friend] played hide and seek.",
      "{A} closed both eyes and counted to [number]. | \"[number], and here I come!\" called {A}. "
      "| {A} counted [adv] up to [number].",
      "{A} looked [spot], and {A} looked [spot]. | First {A} looked [spot]. | {A} saw [an pet] "
      "[spot], but no {B}.",
      "~@nature", "hid B x :: But {B} was [x:spot]. | {b} sat [x:spot] and did not make a sound.",
      "done B :: Then {B} (sneezed/giggled/coughed), and {A} saw who it was. | At last, {A} saw "
      "[an colour] sleeve and called: \"There you are!\"",
      "@home", "@end"}},
    {"the scarecrow",
     OUTSIDE,
     {"wish A :: Crows ate all the corn, so {A} wanted to build a scarecrow. | \"So many crows!\" "
      "cried {A} "
      "and began to build a scarecrow.",
      "help B A :: [B:friend] came with [an tool] and helped {A}. | [B:friend] brought [an look] "
      "sack of straw and helped {A}.",
      "want A o; has B o :: \"He needs [an o:wear],\" said {A}, and {B} had one. | The scarecrow "
      "needed [an o:wear]. Only {B} had one.",
      "give B A o; done A :: {B} gave {o} to {A}, and the scarecrow was done. | {a} got {o} from "
      "{B} "
      "and put the last touch to the scarecrow.",
      "He had [an food] for a nose and [number] buttons. | His eyes were made of [number] "
      "(nuts/stones/coals).",
      "@thankB", "~@home", "@end"}},
    {"going fishing",
     OUTSIDE,
     {"wish A; has A o :: {A} wanted to catch a fish and had [an o:tool] for it. | With [an "
      "o:tool], {A} went to catch a big fish.",
      "meet A B :: [an B:role] sat there with [number] fish. | {a} met [an B:role] who was fishing "
      "too.",
      "{A} waited for [number] hours. | Nothing moved but [an flyer]. | The water was [look] and "
      "[look].",
      "@sad",
      "teach B A u; done A :: {B} taught {A} while waiting, so {A} learned to [u:skill], and then a "
      "fish bit. | To pass the time, {A} learned to [u:skill], and {B} helped. Suddenly there was a fish.",
      "~{A} let the fish swim away again. | The fish was [look] and weighed [number] pounds.",
      "@thankB", "@end"}},
    {"the show",
     INSIDE,
     {"wish A :: {A} was to sing a song about [an beast] in front of everyone. | There was a show "
      "on [day], and {A} was to play [an beast].",
      "feel A f :: Before it began, {A} was [f:sad]. | Behind the curtain, {A} felt [f:sad].",
      "help B A :: [B:friend] held {a's} hand and helped. | \"You can do it,\" said [B:friend], "
      "and that helped {A}.",
      "{A} stepped into the [colour] light. | The piano began [adv].",
      "done A :: {A} sang every word, and the people clapped [number] times. | It went well, and "
      "the people threw [colour] flowers.",
      "@thankB", "~@treat", "@end"}},
    {"the test of courage",
     OUTSIDE,
     {"wish A; feel A f :: {A} stood before [an look] bridge and was [f:sad], but had to cross it. "
      "| The bridge was [look] and high, and {A} felt [f:sad] but wanted to cross.",
      "help B A :: \"Look at me, not down,\" said [B:friend] and helped {A}. | [B:friend] went "
      "ahead and helped {A}.",
      "Step by step, they [moved] over it. | The boards went [noise], [noise]. | They counted "
      "[number] steps.",
      "done A :: At last {A} was on the other side. | Then {A} had crossed the bridge.", "@thankB",
      "~@nature", "@lesson", "@end"}},
};
const int schemas_n_deeds = (int)(sizeof schemas_deeds / sizeof *schemas_deeds);
