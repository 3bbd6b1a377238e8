/* embedded.S: the model that the binary carries, aligned for vector loads. */
    .section .rodata
    .balign 64
    .globl embedded_model
    .globl embedded_model_end
embedded_model:
    .incbin "models/wired.gguf"
embedded_model_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
