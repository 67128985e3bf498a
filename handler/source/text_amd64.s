#include "textflag.h"

DATA quotes<>+0(SB)/8, $0x2222222222222222
DATA quotes<>+8(SB)/8, $0x2222222222222222
GLOBL quotes<>(SB), RODATA|NOPTR, $16

DATA slashes<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL slashes<>(SB), RODATA|NOPTR, $16

DATA controls<>+0(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA controls<>+8(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL controls<>(SB), RODATA|NOPTR, $16

// func plainRun(text []byte) (n int, high uint32)
TEXT ·plainRun(SB), NOSPLIT, $0-36
	MOVQ text_base+0(FP), SI
	MOVQ SI, DI
	MOVOU quotes<>(SB), X4
	MOVOU slashes<>(SB), X5
	MOVOU controls<>(SB), X6
	PXOR X7, X7

loop:
	MOVOU (SI), X0
	ADDQ $16, SI
	MOVO X0, X1
	PCMPEQB X4, X1 // quotes
	MOVO X0, X2
	PCMPEQB X5, X2 // backslashes
	MOVO X0, X3
	PMINUB X6, X3
	PCMPEQB X0, X3 // what is not above the last control character
	POR X2, X1
	POR X3, X1
	POR X0, X7 // the top bits of all
	PMOVMSKB X1, AX
	TESTL AX, AX
	JZ loop

	BSFL AX, AX
	SUBQ DI, SI
	LEAQ -16(SI)(AX*1), SI
	MOVQ SI, n+24(FP)
	PMOVMSKB X7, AX
	MOVL AX, high+32(FP)
	RET
