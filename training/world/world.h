/* world.h: stories whose world is completely known.
 *
 * A deterministic generator: a seed goes in, a document comes out, and with it the number of bits that
 * its choices carried. Behind the text stands a state (who is where, holds what, wants what, feels
 * what); every sentence changes or reports it, so causes come before effects and answers can be
 * checked. A document is one of several kinds, chosen by the generator itself.
 *
 * Unambiguous: at every choice no two options can begin the same text, so a text determines the
 * choices that made it and its probability is the product of theirs:  bits = sum_i log2(total_i / w_i).
 *
 * Interface: only integer arithmetic decides, so the same seed gives the same bytes with any compiler
 * on any machine. The World holds no hidden globals; documents are independent of each other. */
#ifndef SIXFOLD_WORLD_H
#define SIXFOLD_WORLD_H

#include "layer1.h"

typedef enum {
    DOC_STORY,  /* a story, then questions and answers about it */
    DOC_LIST,   /* short lists and counting */
    DOC_SUM,    /* additions of small numbers */
    DOC_COPY,   /* an unusual name, repeated: what induction is for */
    DOC_RECORD, /* a story and its JSON record */
    DOC_FACTS,  /* a few facts about a few people, and questions: looking up */
    DOC_SCENE,  /* the beginning of a story, and questions: little text to look back at */
    DOC_CHAT,   /* system, user and assistant turns around a story or a question */
    DOC_KINDS
} DocKind;

/* Special texts that stand in documents; the tokenizer keeps each as one token. */
#define WORLD_BOS      "<|begin_of_text|>"
#define WORLD_EOS      "<|end_of_text|>"
#define WORLD_IM_START "<|im_start|>"
#define WORLD_IM_END   "<|im_end|>"

/* An answer in a document: bytes [at, at + n) of its text, without the full stop. */
typedef struct {
    size_t at, n;
    const char *question; /* as its form: "Who found {2}?" */
} DocumentAnswer;
enum { DOCUMENT_ANSWERS = 4 };

typedef struct {
    Buf text; /* the document, without bos and eos; UTF-8, mostly ASCII */
    DocKind kind;
    double bits; /* information of all choices; the choice of the kind counts if it was made here */
    uint64_t trail; /* a hash of all choices: equal trails mean equal choices */
    int n_words;    /* separated by blanks and line feeds */
    int n_answers;  /* of questions about the story, in order */
    DocumentAnswer answer[DOCUMENT_ANSWERS];
} Document;

/* Writes document number `index` of the world with this seed. kind < 0: the generator chooses. The same
 * (seed, index) always gives the same bytes. */
Status world_document(Document *d, uint64_t seed, uint64_t index, int kind, Err *err);
void document_close(Document *d);

const char *world_kind_name(DocKind kind); /* "story", "list", ... */

/* What a text tells about its making. */
typedef struct {
    DocKind kind;
    double bits; /* as world_document with kind < 0 reports for this text */
    uint64_t trail;
    bool ambiguous; /* another choice would have made the same text: an error of the tables */
} WorldReading;

/* Reads a document back into the choices that made it; false if the world cannot write this text, and
 * why says what was expected where. Any bytes may come in; WORLD_TEXT_MAX is the longest text. */
enum { WORLD_TEXT_MAX = 1 << 14 };
bool world_read(WorldReading *r, const char *text, size_t n, char *why, size_t why_bytes);

/* Says whether a text is a well-formed document and consistent with itself: characters are known before
 * they act, objects are held before they are given, answers agree with the story, sums are right. why
 * gets the first complaint (one line). Any bytes may come in. */
bool world_check(const char *text, size_t n, char *why, size_t why_bytes);

/* The part of world_check that knows nothing of templates: names are introduced before they are used,
 * answers stand in the story, sums are right, a record names the hero. */
bool world_check_text(const char *text, size_t n, char *why, size_t why_bytes);

/* Facts about the world for the docs and tests. */
int world_schema_count(void);
int world_word_count(void); /* word types in the word lists; sentences add more */

#endif
