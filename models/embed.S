/* embed.S: a model file as bytes of a program, aligned for vector loads. Assembled once per model, with
 * its file, its symbol and the symbol of its size given by the Makefile; see embedded.h. */
    .section .rodata
    .balign 64
    .globl MODEL
    .globl MODEL_BYTES
MODEL:
    .incbin MODEL_FILE
end:
    .balign 8
MODEL_BYTES:
    .quad end - MODEL
    .section .note.GNU-stack,"",%progbits
