/* layer6.h: running: caches, sampling, generation, evaluation, and the command line. */
#ifndef SIXFOLD_LAYER6_H
#define SIXFOLD_LAYER6_H

#include "layer5.h"
#include "kvcache.h"
#include "sampler.h"
#include "generate.h"
#include "textstream.h"
#include "answer.h"
#include "conversation.h"
#include "chat_session.h"
#include "embedding.h"
#include "perplexity.h"
#include "perplexity_documents.h"
#include "importance.h"
#include "quality.h"
#include "bench_model.h"
#include "cli.h"

/* Registers this layer's twins after those below. Idempotent. */
void layer6_init(void);

#endif
