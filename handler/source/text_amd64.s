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

// func plainFrom(text *byte) (n int, high uint32)
TEXT ·plainFrom(SB), NOSPLIT, $0-20
	MOVQ text+0(FP), SI
	MOVQ SI, DI
	CMPB ·wide(SB), $0
	JEQ narrow

	VPBROADCASTQ quotes<>(SB), Y4
	VPBROADCASTQ slashes<>(SB), Y5
	VPBROADCASTQ controls<>(SB), Y6
	VPXOR Y7, Y7, Y7

loop32:
	VMOVDQU (SI), Y0
	ADDQ $32, SI
	VPCMPEQB Y4, Y0, Y1 // quotes
	VPCMPEQB Y5, Y0, Y2 // backslashes
	VPMINUB Y6, Y0, Y3
	VPCMPEQB Y0, Y3, Y3 // what is not above the last control character
	VPOR Y2, Y1, Y1
	VPOR Y3, Y1, Y1
	VPOR Y0, Y7, Y7 // the top bits of all
	VPMOVMSKB Y1, AX
	TESTL AX, AX
	JZ loop32

	VPMOVMSKB Y7, DX
	VZEROUPPER
	SUBQ $32, SI
	JMP found

narrow:
	MOVOU quotes<>(SB), X4
	MOVOU slashes<>(SB), X5
	MOVOU controls<>(SB), X6
	PXOR X7, X7

loop16: // as above
	MOVOU (SI), X0
	ADDQ $16, SI
	MOVO X0, X1
	PCMPEQB X4, X1
	MOVO X0, X2
	PCMPEQB X5, X2
	MOVO X0, X3
	PMINUB X6, X3
	PCMPEQB X0, X3
	POR X2, X1
	POR X3, X1
	POR X0, X7
	PMOVMSKB X1, AX
	TESTL AX, AX
	JZ loop16

	PMOVMSKB X7, DX
	SUBQ $16, SI

found:
	BSFL AX, AX
	SUBQ DI, SI
	ADDQ AX, SI
	MOVQ SI, n+8(FP)
	MOVL DX, high+16(FP)
	RET
