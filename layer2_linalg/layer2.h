/* layer2.h: numbers: vectors, matrices, block formats, and the speed limits of the machine. */
#ifndef SIXFOLD_LAYER2_H
#define SIXFOLD_LAYER2_H

#include "layer1.h"
#include "vec.h"
#include "matmul.h"
#include "quants.h"
#include "linear.h"
#include "lowrank.h"
#include "roofline.h"

/* Registers this layer's twins after layer 1's. Idempotent. */
void layer2_init(void);

#endif
