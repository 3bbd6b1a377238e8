/* schemas.c: the beats that many schemata share, and the list of all schemata. */
#include "teller_impl.h"

#include <string.h>

static const SharedBeat shared[] = {
    {"loves",
     "love A w :: {a} loved [w:hobby]. | {a} was very fond of [w:hobby]. | Nothing was better than "
     "[w:hobby], {a} thought. | What {a} liked best was [w:hobby]."},
    {"companion", "{A} had a little {m-}. | A little {m-} lived there too. | Wherever {a} went, a little "
                  "{m-} went along."},
    {"asleep", "And {m} was [glad] as well. | Then {m} fell asleep beside {A}. | The little {m-} had "
               "liked every minute of it."},
    {"place", "at A s; weather v :: One [part] the weather was [v:weather], and {A} was "
              "[s:outdoor+indoor]. | In [season] the weather was [v:weather], and {A} was "
              "[s:outdoor+indoor]. | On [day] the weather was [v:weather], and {A} was "
              "[s:outdoor+indoor]. | {A} was [s:outdoor+indoor], and the weather was [v:weather]."},
    {"opening",
     "{a} had just eaten [treat] with [stuff]. | In {a's} pocket were [number] "
     "(nuts/nails/pebbles/pins/"
     "beans/keys). | [an flyer] sat [spot] and looked [adv] at {A}. | {a} walked around [adv] and "
     "counted [number] (clouds/trees/steps/windows/ants/lamps). | Nobody was there except [an "
     "role] with "
     "[an look] (pipe/cane/moustache/voice). | {a} heard [an noise] and then another [noise]. | "
     "Nothing "
     "much happened, only [an pet] [moved] by. | {a} thought [adv] about [hobby] and [hobby]."},
    {"closing", "The end. | Good night! | And tomorrow is another day. | Then the stars came out. "
                "| Even the [flyer] and the "
                "[pet] were [glad]. | The [season] after that was the best of all. | Who would "
                "have thought so?"},
    {"end",
     "end A e :: In the end, {A} felt [e:glad]. | {a} went to bed that night and felt [e:glad]. | "
     "That evening, {A} was [e:glad]. | And so {A} was [e:glad] at last. | When the day was "
     "over, {A} felt very [e:glad]. | It was a good day, and {A} was [e:glad]."},
    {"sad",
     "feel A f :: {a} felt [f:sad]. | This made {A} feel [f:sad]. | {a} was [f:sad] and "
     "(sat down/sighed/said nothing/looked at the ground/kicked a pebble). | Nobody could see "
     "it, but {A} was [f:sad]."},
    {"lesson", "From then on, (they met every week/nobody was left alone/everything was easier). | "
               "It is good to have (friends/neighbours/helpers/a family). | That is how a "
               "[trait] (child/person/heart) (does it/behaves/lives). | People (talked/laughed/"
               "wrote/sang) about it for [number] (weeks/months/years)."},
    {"nature",
     "[an flyer] [moved] past. | Far away, [an flyer] made a sound: [noise], [noise]! | "
     "Nearby, [an colour] [flyer] sat [spot]. | Then came the [sky], and after it the [sky]. | "
     "[an look] leaf fell [adv] to the ground."},
    {"detail", "It was (an hour/a moment/a sight/a day) to remember, and everyone felt [glad]. | "
               "The air smelled "
               "of [stuff] and [stuff]. | Somebody sang a song about [an beast] and [an pet]. | On "
               "the wall hung a picture of [an beast]. | {a} hummed [adv] and thought of [treat]."},
    {"treat",
     "Afterwards they had [treat] with [stuff]. | There was [treat] for everyone. | They shared "
     "some [treat] and (laughed/giggled/talked/rested). | [an role] brought them [treat]."},
    {"search", "{a} looked [spot] and [spot], but found nothing. | {a} searched [adv] and saw only "
               "[an food]. | {a} asked [an role], but the answer was no. | {a} turned over "
               "(every stone/every box/each cushion/all the leaves), without luck."},
    {"thankB", "thank A B :: \"Thank you!\" said {A} to {B}. | {a} thanked {B} [adv]. | {A} gave "
               "{B} a big hug "
               "and said thank you. | \"You are so [praise],\" said {A} and thanked {B}."},
    {"thankA", "thank B A :: \"Thank you!\" said {B} to {A}. | {b} thanked {A} [adv]. | {B} smiled "
               "at {A} and "
               "said thank you. | \"How [praise] of you!\" said {B} and thanked {A}."},
    {"askB", "ask A B :: \"Can you help me?\" {A} asked {B}. | {a} went to {B} and asked for help. "
             "| {A} asked "
             "{B} [adv] for some help. | \"Please help me, {B},\" said {A}."},
    {"nod", "{B} nodded [adv]. | \"Of course,\" said {B}. | {B} said yes at once. | {b} was "
            "[trait] and agreed."},
    {"home",
     "Then they (walked/went/hurried/skipped/ran) home [adv]. | Soon it was time to go home. | "
     "When the (clock struck/bell rang) [number], they went home. | The way home was "
     "(long/short/steep/muddy/easy)."},
    {"try",
     "It was not easy, but {A} tried again [adv]. | {a} failed [number] times and (never gave "
     "up/went on/"
     "kept trying/took a deep breath). | The first try ended with [an noise]. | {a} worked [adv] "
     "until (noon/sunset/lunch/dinner)."},
};

static const struct {
    const Schema *rows;
    const int *n;
} tables[] = {
    {schemas_things, &schemas_n_things},
    {schemas_others, &schemas_n_others},
    {schemas_deeds, &schemas_n_deeds},
    {schemas_days, &schemas_n_days},
};
enum { N_TABLES = sizeof tables / sizeof *tables };

int world_schema_count(void)
{
    int n = 0;
    for (int i = 0; i < N_TABLES; i++) n += *tables[i].n;
    return n;
}

const Schema *schema_at(int i)
{
    int k = 0;
    while (i >= *tables[k].n) i -= *tables[k++].n;
    return &tables[k].rows[i];
}

const char *schema_beat(const char *beat)
{
    if (*beat != '@') return beat;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (strcmp(shared[i].name, beat + 1) == 0) return shared[i].beat;
    CHECK(false, "no shared beat is named '%s'", beat);
    return NULL;
}
