//! The vector instructions that are used, as a table: what their bytes are made of.

/// Where the operands of an instruction stand in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Destination in `reg`, first operand in `vvvv`, second in `r/m`.
    Two,
    /// Destination in `reg`, operand in `r/m`.
    One,
    /// Operand in `reg`, destination (memory, or the shorter register) in `r/m`.
    Out,
    /// Destination in `vvvv`, operand in `r/m`, and this digit in `reg`.
    Digit(u8),
    /// Destination in `r/m` or `reg`, operand a general register, as [`Form::One`].
    General,
    /// As [`Form::Two`], the mask in the upper half of the last byte (AVX2 blends).
    Blend,
    /// As [`Form::Two`], and the destination is an operand.
    Accumulate,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name in assembly.
    pub name: &'static str,
    /// The mandatory prefix: 0 none, 1 `66`, 2 `F3`, 3 `F2`.
    pub prefix: u8,
    /// The map of opcodes: 1 `0F`, 2 `0F 38`, 3 `0F 3A`.
    pub map: u8,
    /// The opcode.
    pub opcode: u8,
    /// The bit W with EVEX; with VEX where it is not ignored.
    pub w: bool,
    /// Where the operands stand.
    pub form: Form,
}

macro_rules! rows {
    ($($op:ident $name:literal $prefix:literal $map:literal $opcode:literal $w:literal $form:expr;)*) => {
        /// A vector instruction; its row in [`ROWS`] says what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum Op { $($op,)* }

        /// All instructions, indexed by the enum.
        pub(super) const ROWS: &[Row] = &[$(Row {
            name: $name, prefix: $prefix, map: $map, opcode: $opcode, w: $w == 1, form: $form,
        },)*];
    };
}

use Form::{Accumulate, Blend, Digit, General, One, Out, Two};

rows! {
    // Moves.
    LoadF32      "vmovups"       0 1 0x10 0 One;
    LoadF64      "vmovupd"       1 1 0x10 1 One;
    StoreF32     "vmovups"       0 1 0x11 0 Out;
    StoreF64     "vmovupd"       1 1 0x11 1 Out;
    LoadLowF32   "vmovss"        2 1 0x10 0 One;
    LoadLowF64   "vmovsd"        3 1 0x10 1 One;
    StoreLowF32  "vmovss"        2 1 0x11 0 Out;
    StoreLowF64  "vmovsd"        3 1 0x11 1 Out;
    Broadcast1   "vpbroadcastb"  1 2 0x78 0 One;
    Broadcast4   "vbroadcastss"  1 2 0x18 0 One;
    Broadcast8   "vbroadcastsd"  1 2 0x19 1 One;
    Broadcast8X  "vpbroadcastq"  1 2 0x59 1 One;
    General8     "vpbroadcastq"  1 2 0x7C 1 General;
    MoveGeneral  "vmovq"         1 1 0x6E 1 General;
    Gather4      "vgatherdps"    1 2 0x92 0 One;
    Gather8      "vgatherdpd"    1 2 0x92 1 One;
    // Parts of registers.
    Extract32    "vextractf64x4" 1 3 0x1B 1 Out;
    Extract16    "vextractf32x4" 1 3 0x19 0 Out;
    Shuffle4     "vpshufd"       1 1 0x70 0 One;
    BlendF32     "vblendps"      1 3 0x0C 0 Two;
    BlendF64     "vblendpd"      1 3 0x0D 0 Two;
    // Float arithmetic.
    AddF32       "vaddps"        0 1 0x58 0 Two;
    AddF64       "vaddpd"        1 1 0x58 1 Two;
    SubF32       "vsubps"        0 1 0x5C 0 Two;
    SubF64       "vsubpd"        1 1 0x5C 1 Two;
    MulF32       "vmulps"        0 1 0x59 0 Two;
    MulF64       "vmulpd"        1 1 0x59 1 Two;
    DivF32       "vdivps"        0 1 0x5E 0 Two;
    DivF64       "vdivpd"        1 1 0x5E 1 Two;
    MinF32       "vminps"        0 1 0x5D 0 Two;
    MinF64       "vminpd"        1 1 0x5D 1 Two;
    MaxF32       "vmaxps"        0 1 0x5F 0 Two;
    MaxF64       "vmaxpd"        1 1 0x5F 1 Two;
    SqrtF32      "vsqrtps"       0 1 0x51 0 One;
    SqrtF64      "vsqrtpd"       1 1 0x51 1 One;
    RangeF32     "vrangeps"      1 3 0x50 0 Two;
    RangeF64     "vrangepd"      1 3 0x50 1 Two;
    RoundF32     "vroundps"      1 3 0x08 0 One;
    RoundF64     "vroundpd"      1 3 0x09 1 One;
    Fma132F32    "vfmadd132ps"   1 2 0x98 0 Accumulate;
    Fma132F64    "vfmadd132pd"   1 2 0x98 1 Accumulate;
    Fma213F32    "vfmadd213ps"   1 2 0xA8 0 Accumulate;
    Fma213F64    "vfmadd213pd"   1 2 0xA8 1 Accumulate;
    Fma231F32    "vfmadd231ps"   1 2 0xB8 0 Accumulate;
    Fma231F64    "vfmadd231pd"   1 2 0xB8 1 Accumulate;
    // Comparisons; with EVEX the destination is a mask register.
    CompareF32   "vcmpps"        0 1 0xC2 0 Two;
    CompareF64   "vcmppd"        1 1 0xC2 1 Two;
    CompareI32   "vpcmpd"        1 3 0x1F 0 Two;
    CompareI64   "vpcmpq"        1 3 0x1F 1 Two;
    CompareU32   "vpcmpud"       1 3 0x1E 0 Two;
    EqualI32     "vpcmpeqd"      1 1 0x76 0 Two;
    EqualI64     "vpcmpeqq"      1 2 0x29 0 Two;
    GreaterI32   "vpcmpgtd"      1 1 0x66 0 Two;
    GreaterI64   "vpcmpgtq"      1 2 0x37 0 Two;
    // Bits.
    And4         "vpandd"        1 1 0xDB 0 Two;
    And8         "vpandq"        1 1 0xDB 1 Two;
    Or4          "vpord"         1 1 0xEB 0 Two;
    Or8          "vporq"         1 1 0xEB 1 Two;
    Xor4         "vpxord"        1 1 0xEF 0 Two;
    Xor8         "vpxorq"        1 1 0xEF 1 Two;
    // Integer arithmetic.
    AddI32       "vpaddd"        1 1 0xFE 0 Two;
    AddI64       "vpaddq"        1 1 0xD4 1 Two;
    SubI32       "vpsubd"        1 1 0xFA 0 Two;
    SubI64       "vpsubq"        1 1 0xFB 1 Two;
    MulI32       "vpmulld"       1 2 0x40 0 Two;
    MulI64       "vpmullq"       1 2 0x40 1 Two;
    MinI32       "vpminsd"       1 2 0x39 0 Two;
    MinI64       "vpminsq"       1 2 0x39 1 Two;
    MaxI32       "vpmaxsd"       1 2 0x3D 0 Two;
    MaxI64       "vpmaxsq"       1 2 0x3D 1 Two;
    MinU32       "vpminud"       1 2 0x3B 0 Two;
    MaxU32       "vpmaxud"       1 2 0x3F 0 Two;
    AbsI32       "vpabsd"        1 2 0x1E 0 One;
    AbsI64       "vpabsq"        1 2 0x1F 1 One;
    ShlByI32     "vpslld"        1 1 0x72 0 Digit(6);
    ShlByI64     "vpsllq"        1 1 0x73 1 Digit(6);
    ShrByI32     "vpsrad"        1 1 0x72 0 Digit(4);
    ShrByI64     "vpsraq"        1 1 0x72 1 Digit(4);
    ShrByU32     "vpsrld"        1 1 0x72 0 Digit(2);
    ShlI32       "vpsllvd"       1 2 0x47 0 Two;
    ShlI64       "vpsllvq"       1 2 0x47 1 Two;
    ShrI32       "vpsravd"       1 2 0x46 0 Two;
    ShrI64       "vpsravq"       1 2 0x46 1 Two;
    ShrU32       "vpsrlvd"       1 2 0x45 0 Two;
    // Conversions.
    I32ToF32     "vcvtdq2ps"     0 1 0x5B 0 One;
    F32ToI32     "vcvttps2dq"    2 1 0x5B 0 One;
    I32ToF64     "vcvtdq2pd"     2 1 0xE6 0 One;
    F64ToI32     "vcvttpd2dq"    1 1 0xE6 1 One;
    F32ToF64     "vcvtps2pd"     0 1 0x5A 0 One;
    F64ToF32     "vcvtpd2ps"     1 1 0x5A 1 One;
    I64ToF32     "vcvtqq2ps"     0 1 0x5B 1 One;
    I64ToF64     "vcvtqq2pd"     2 1 0xE6 1 One;
    F32ToI64     "vcvttps2qq"    1 1 0x7A 0 One;
    F64ToI64     "vcvttpd2qq"    1 1 0x7A 1 One;
    U32ToF32     "vcvtudq2ps"    3 1 0x7A 0 One;
    U32ToF64     "vcvtudq2pd"    2 1 0x7A 0 One;
    I64ToI32     "vpmovqd"       2 2 0x35 0 Out;
    I32ToI64     "vpmovsxdq"     1 2 0x25 0 One;
    U32ToI64     "vpmovzxdq"     1 2 0x35 0 One;
    U8ToI32      "vpmovzxbd"     1 2 0x31 0 One;
    // Choices.
    Select4      "vblendmps"     1 2 0x65 0 Two;
    Select8      "vblendmpd"     1 2 0x65 1 Two;
    Choose4      "vblendvps"     1 3 0x4A 0 Blend;
    Choose8      "vblendvpd"     1 3 0x4B 0 Blend;
    // Masks.
    MaskAnd      "kandw"         0 1 0x41 0 Two;
    MaskOr       "korw"          0 1 0x45 0 Two;
    MaskXor      "kxorw"         0 1 0x47 0 Two;
    MaskNot      "knotw"         0 1 0x44 0 One;
    MaskUnpack   "kunpckbw"      1 1 0x4B 0 Two;
    MaskMove     "kmovw"         0 1 0x90 0 One;
    MaskStore    "kmovw"         0 1 0x91 0 Out;
    MaskGeneral  "kmovw"         0 1 0x92 0 General;
}

impl Op {
    /// The row of the instruction.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Whether it works on mask registers alone (always VEX).
    pub fn is_mask(self) -> bool {
        use Op::*;
        matches!(self, MaskAnd | MaskOr | MaskXor | MaskNot | MaskUnpack | MaskMove | MaskStore | MaskGeneral)
    }

    /// The bytes of the elements that its `r/m` operand has, if that may be memory: all lanes, or with
    /// EVEX one element for all.
    pub fn element(self) -> Option<u32> {
        use Op::*;
        match self {
            AddF32 | SubF32 | MulF32 | DivF32 | MinF32 | MaxF32 | SqrtF32 | RangeF32 | RoundF32
            | Fma132F32 | Fma213F32 | Fma231F32 | CompareF32 | CompareI32 | CompareU32 | And4 | Or4
            | Xor4 | AddI32 | SubI32 | MulI32 | MinI32 | MaxI32 | MinU32 | MaxU32 | AbsI32 | ShlI32
            | ShrI32 | ShrU32 | I32ToF32 | F32ToI32 | Select4 | Choose4 | BlendF32 | EqualI32
            | GreaterI32 => Some(4),
            AddF64 | SubF64 | MulF64 | DivF64 | MinF64 | MaxF64 | SqrtF64 | RangeF64 | RoundF64
            | Fma132F64 | Fma213F64 | Fma231F64 | CompareF64 | CompareI64 | And8 | Or8 | Xor8 | AddI64
            | SubI64 | MulI64 | MinI64 | MaxI64 | AbsI64 | ShlI64 | ShrI64 | I64ToF64 | F64ToI64
            | Select8 | Choose8 | BlendF64 | EqualI64 | GreaterI64 => Some(8),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        assert_eq!(ROWS[Op::MaskGeneral as usize].name, "kmovw");
        assert_eq!(ROWS.len(), Op::MaskGeneral as usize + 1);
    }
}
