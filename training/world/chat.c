/* chat.c: turns of system, user and assistant in the common form: a role, a line feed, the text,
 * each turn between two special tokens. The user asks for a story (about a child, about an animal, which
 * may be one that nobody has heard of, or about anything) and questions it, or asks for a sum, a word
 * to say, a count. */
#include "teller_impl.h"

#include <string.h>

#define TURN_OF(role) WORLD_IM_START role "\n"
#define END_OF_TURN   WORLD_IM_END "\n"
#define TO_ASSISTANT  END_OF_TURN TURN_OF("assistant")

static bool system_turn(Teller *t, Tale *s)
{
    static const char forms[] =
        "You are a friendly storyteller. | You tell stories and answer questions. | "
        "You are a helpful assistant for children. | Answer in short sentences.";
    return teller_puts(t, TURN_OF("system")) &&
           template_one_of(t, s, (Span){forms, sizeof forms - 1}) >= 0 &&
           teller_puts(t, END_OF_TURN);
}

static bool follows(const Teller *t, const char *text)
{
    size_t n = strlen(text);
    return t->reading && n <= t->n - t->pos && memcmp(t->in + t->pos, text, n) == 0;
}

/* "girl named Lily", "fox", "zibol": the hero, or who goes along with the hero */
static bool choose_subject(Teller *t, Tale *s)
{
    static const unsigned even[2] = {1, 1};
    int child = follows(t, "girl named ") || follows(t, "boy named ");
    if (teller_weigh(t, even, 2, child)) return template_run(t, s, (Span){"[A:child]", 9});
    int known = 0;
    if (t->reading) {
        Teller attempt = *t;
        Tale tale = *s;
        known = template_run(&attempt, &tale, (Span){"[m:companion]", 13});
    }
    if (teller_weigh(t, even, 2, known)) return template_run(t, s, (Span){"[m:companion]", 13});
    Thing *v = tale_var(s, 'm');
    v->sort = IT;
    if (!teller_invent(t, "bdfgklmnprstvxz", v->made)) return false;
    teller_so_far(t, &v->at);
    return true;
}

static bool story_turns(Teller *t, Tale *s, bool about)
{
    if ((about && (!choose_subject(t, s) || !teller_puts(t, "."))) || !teller_puts(t, TO_ASSISTANT) ||
        !story_run(t, s) || !teller_puts(t, END_OF_TURN))
        return false;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !teller_more(t, 1, 1, NULL)) break;
        if (!story_ask(t, s, TURN_OF("user"), TO_ASSISTANT, END_OF_TURN)) return false;
    }
    return true;
}

static bool word_turns(Teller *t)
{
    char word[16];
    return teller_invent(t, "BDFGKLMNPRSTVXZ", word) && teller_puts(t, "." TO_ASSISTANT) &&
           teller_puts(t, word) && teller_puts(t, "." END_OF_TURN);
}

static bool count_turns(Teller *t)
{
    int n = count_choose(t, 3, 20);
    return n > 0 && teller_puts(t, "." TO_ASSISTANT) && count_say(t, 1, n) &&
           teller_puts(t, "." END_OF_TURN);
}

bool chat_run(Teller *t, Tale *s)
{
    static const char asks[] =
        "Tell me a story about a /I would like to hear about a /Please tell me of a "
        "/Tell me a story./What is /Say the word /Count to ";
    if (!system_turn(t, s) || !teller_puts(t, TURN_OF("user"))) return false;
    int ask = teller_either(t, (Span){asks, sizeof asks - 1});
    if (ask < 0) return false;
    if (ask < 4) return story_turns(t, s, ask < 3);
    if (ask == 4) return sum_say(t, "", "?" TO_ASSISTANT) && teller_puts(t, "." END_OF_TURN);
    return ask == 5 ? word_turns(t) : count_turns(t);
}
