//! The one table of diagnostics: a row gives the code, its name in Rust, a title, an explanation,
//! and a wrong and a right example. `tcc explain E0203` prints a row.
//!
//! An example is what `tcc check -e` takes; where it needs operands, or a file of its own, its first line
//! says how it is run: `# tcc run scale.ein x=ones:4`. `tests/errors.rs` runs every one.
//!
//! E01 syntax · E02 names, indices, sizes · E03 types · E04 annotations and what is not there yet ·
//! E05 binding and calls · E06 files · W04 warnings. Codes are never given to something else once released.
//! A few rows stand outside their hundred because published transcripts already name them.

use crate::diagnostic::Severity;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    /// Which code it describes.
    pub code: Code,
    /// `E0203`
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// A paragraph.
    pub explanation: &'static str,
    /// A short program that shows the mistake, and no other.
    pub wrong: &'static str,
    /// The same program repaired.
    pub right: &'static str,
}

impl CodeInfo {
    /// Codes that begin with `W` warn, all others refuse the program.
    pub fn severity(&self) -> Severity {
        if self.id.starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl Code {
    /// Its row.
    pub fn info(self) -> &'static CodeInfo {
        &CODES[self as usize]
    }

    /// `E0203`
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The code spelled `id`, in capitals or not.
    pub fn from_id(id: &str) -> Option<Code> {
        CODES.iter().find(|row| row.id.eq_ignore_ascii_case(id)).map(|row| row.code)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.id())
    }
}

macro_rules! codes {
    ($($id:ident $name:ident: $title:literal, $explanation:literal, $wrong:literal => $right:literal;)*) => {
        /// Every kind of diagnostic, by a name that says what is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        /// Every diagnostic there is.
        pub static CODES: &[CodeInfo] = &[
            $(CodeInfo {
                code: Code::$name, id: stringify!($id), title: $title,
                explanation: $explanation, wrong: $wrong, right: $right,
            },)*
        ];
    };
}

codes! {
    // E01: syntax
    E0101 UnexpectedText: "this text does not fit here",
        "The line stops being a declaration, a function or an equation at the marked place. The message says what was read and what could stand there instead.",
        "in x f32[n]\ny[i] = 2*x[i]" => "in x : f32[n]\ny[i] = 2*x[i]";
    E0102 UnbalancedBracket: "a bracket has no partner",
        "Every ( [ { needs its own ) ] }. A statement goes on while a bracket is open, so a missing one is reported where the statement seems to end.",
        "C[i,j] = exp(A[i,j]" => "C[i,j] = exp(A[i,j])";
    E0103 UnknownCharacter: "a character that has no meaning in .ein",
        "Programs consist of names (letters of any script, digits, _), numbers, and the signs of the grammar. Typographic signs such as × or ≤ are written * and <=.",
        "C[i] = A[i] × B[i]" => "C[i] = A[i] * B[i]";
    E0104 BadNumber: "not a number that can be represented",
        "Whole numbers must fit in 64 bits with sign; a point or an exponent makes a float, which must be finite. There are no digit separators, no hexadecimal numbers and no suffixes.",
        "x = 1_000" => "x = 1000";
    E0105 UnknownType: "not the name of an element type",
        "The element types are f64 f32 bf16 f16 c128 c64 i64 i32 u32 u8 bool, and int for i64.",
        "in A : float32[n]\ny[i] = A[i]" => "in A : f32[n]\ny[i] = A[i]";
    E0106 BadAssignment: "the sign between the two sides is missing or misspelled",
        "An equation has one of = += *= max= min= between its left and its right side, written without a space inside. == compares and cannot define anything.",
        "C[i] == A[i]" => "C[i] = A[i]";
    E0107 OutputIndexUnused: "an index on the left never appears on the right",
        "The index has nothing to get its size from. It is often a slip of the keys; if the tensor shall be repeated along a new axis, state the size of the index.",
        "C[i,k] += A[i,j] * B[j,l]" => "C[i,l] += A[i,j] * B[j,l]";
    E0108 ReductionBrackets: "a reduction names its indices in square brackets",
        "sum[j] x[j] binds j and sums over it. Round brackets make an ordinary call, and only max, min, any and all of two values are such calls.",
        "y = sum(j) x[j]" => "y = sum[j] x[j]";
    E0109 MissingOperator: "an operator is missing between two operands",
        "Products are written with *, also between a number and a name.",
        "y[i] = 2 x[i]" => "y[i] = 2*x[i]";
    E0110 IncompleteStatement: "the statement ends too early",
        "Something must follow the last sign. A statement goes on in the next line when a bracket is open or the next line is indented.",
        "y[i] = a[i] +" => "y[i] = a[i] + b[i]";
    E0111 NestedTooDeep: "nested too deep",
        "Brackets, signs, conditions and powers may be nested to a fixed depth, far beyond what is readable. Give parts of the expression names of their own.",
        "y[i] = ((((((((((x[i]))))))))))   # and so on" => "y[i] = x[i]";
    E0112 TooLarge: "a statement is too large",
        "A single statement may have a limited number of terms, and so may all of them once functions are replaced by their bodies. Split it: an equation for every part, and one that combines them.",
        "fn f(x) = x+x+x+x+x+x+x+x+x+x\nfn g(x) = f(f(f(f(x))))\ny[i] = g(g(a[i]))" => "y[i] = 1e8*a[i]";
    E0113 NotUtf8: "the file is not UTF-8 text",
        "Source files are UTF-8, with or without a byte order mark. UTF-16 and Latin-1 files must be converted.",
        "y[i] = x[i]   # in a file saved as UTF-16" => "y[i] = x[i]   # in a file saved as UTF-8";
    E0114 UnexpectedStatement: "a second statement begins inside another one",
        "A line that is indented more than the rest goes on with the statement above it. Two statements cannot share a line.",
        "a = 1\n  b = 2" => "a = 1\nb = 2";
    E0115 AttributeWithoutStatement: "an attribute without a statement",
        "@name(..) belongs to the statement on the same line or on the next one.",
        "y[i] = x[i]\n@accum(f64)" => "@accum(f64)\ny[i] = x[i]";
    E0116 UnknownEdition: "an edition this compiler does not know",
        "`edition 2026`, where present, is the first line of a file and names the edition of the language.",
        "edition 1999\ny[i] = x[i]" => "edition 2026\ny[i] = x[i]";
    E0117 UnclosedText: "a text has no closing quote",
        "Texts stand between two \" on one line, and only in types and attributes.",
        "@accum(\"f64)\ny += x[i]" => "@accum(f64)\ny += x[i]";
    E0118 BadEinsum: "not an einsum string",
        "A classic einsum string has one group of letters for every operand, separated by commas, at most one ... in each, and optionally -> with the letters of the result, each once.",
        "ij,jk->iik" => "ij,jk->ik";
    E0119 IncompleteIf: "a condition without then or else",
        "A conditional is a value, so it always has both branches.",
        "y[i] = if i == 0 then a[i]" => "y[i] = if i == 0 then a[i] else 0";
    E0120 EmptyBrackets: "brackets with nothing inside",
        "A tensor without axes is written without brackets, a reduction names at least one index, a call has at least one argument.",
        "y[] = x[0]" => "y = x[0]";
    // E02: names, indices, sizes
    E0201 IndexUnbound: "an index is neither on the left nor bound",
        "A plain = never sums by itself. Either the index belongs on the left, or a reduction binds it, or += reduces every index that is not on the left.",
        "C[i,k] = A[i,j] * B[j,k]" => "C[i,k] = sum[j] A[i,j] * B[j,k]";
    E0202 UnknownName: "an unknown name",
        "A name is a tensor, a size, a parameter, an index, or a constant such as pi. This one is none of them.",
        "in x : f32[length]\ny[i] = lenght * x[i]" => "in x : f32[length]\ny[i] = length * x[i]";
    E0203 IndexSizesDisagree: "an index has two sizes",
        "An index gets its size from every bare position where it stands, and all of them must agree. An explicit size at the index (i:expr) wins over all; then reads must stay inside.",
        "in A : f32[4]\nin B : f32[5]\nC[i] = A[i] + B[i]" => "in A : f32[4]\nin B : f32[5]\nC[i:5] = A[i | 0] + B[i]";
    E0204 NameClash: "a name is used for two things",
        "In one file a name is one thing: tensor, size, parameter, function or index. Only the formals of a fn are local.",
        "k[i] = x[i]\ny[k] = x[k]" => "w[i] = x[i]\ny[k] = x[k]";
    E0205 SizeAsIndex: "a size is used as an index",
        "In K : f32[h,s,d] the names are sizes: how long the axes are. To read K, use indices with names of their own.",
        "in K : f32[h, s]\nS[h] = sum[s] K[h,s]" => "in K : f32[h, s]\nS[a] = sum[j] K[a,j]";
    E0206 RankMismatch: "a tensor is indexed with the wrong number of indices",
        "Every axis needs one index. A group (g k) counts as one.",
        "in A : f32[n, m]\ny[i] = A[i]" => "in A : f32[n, m]\ny[i] = sum[j] A[i,j]";
    E0207 SizeUnknown: "the size of an index is unknown",
        "Nothing says how long the index runs: it stands in no bare position of a tensor with known shape. State it at the index.",
        "h[t] = h[t-1 | 1] * 2" => "h[t:T] = h[t-1 | 1] * 2";
    E0208 NoSteppedIndex: "recursive equations without a stepped index",
        "An equation may mention itself one or two steps away along one index, t-1 or t+1. Every cycle of equations must step the same index in the same direction.",
        "C[i] = C[i] + 1" => "C[t:T] = C[t-1 | 0] + 1";
    E0209 CycleWithinStep: "a cycle within one step",
        "Inside a step the equations are ordered by their references at exactly t. These refer to each other at the same t, so none can go first.",
        "a[t:T] = b[t] + a[t-1 | 0]\nb[t:T] = a[t]" => "out a : f32[T]\na[t:T] = b[t-1 | 0] + a[t-1 | 0]\nb[t:T] = a[t]";
    E0210 TwoSteppedIndices: "a recurrence along more than one index",
        "A recurrence steps along exactly one index, always in the same direction.",
        "L[i,j] = L[i-1,j | 0] + L[i,j-1 | 0]" => "L[i,j] = L[i-1,j | 0] + x[i,j]";
    E0211 DuplicateEquation: "a tensor has two equations",
        "A tensor has one equation with =, or several with one of the operators += *= max= min=, which combine.",
        "y[i] = a[i]\ny[i] = b[i]" => "y[i] = a[i] + b[i]";
    E0212 ComputedPlace: "the left side writes to a computed place",
        "Several elements may meet at one place, so the equation must say how they combine: += *= max= or min=.",
        "out h : f32[n]\nin dst : i64[m]\nh[dst[e]] = x[e]" => "out h : f32[n]\nin dst : i64[m]\nh[dst[e]] += x[e]";
    E0213 DuplicateDeclaration: "a name is declared twice",
        "Every name has one declaration.",
        "in A : f32[n]\nin A : f32[m]\ny[i] = A[i]" => "in A : f32[n]\ny[i] = A[i]";
    E0214 ReadOutOfRange: "a read can leave the tensor",
        "The place depends only on indices, sizes and parameters and is outside for some of them. Guard it with where or if, or give the value outside: A[.. | 0].",
        "y[i] = x[i+1] - x[i]" => "y[i] = x[i+1 | 0] - x[i]";
    E0215 TermWithoutIndex: "a term lacks the reduced index",
        "Under += every term of a sum must contain the index that is reduced; otherwise the term would silently be multiplied by its size.",
        "y[i] += A[i,j]*x[j] + b[i]" => "y[i] = sum[j] A[i,j]*x[j] + b[i]";
    E0216 GroupNotDivisible: "a group does not divide its axis",
        "The members of (g k) multiply to the length of the axis, exactly.",
        "in x : f32[7]\ny[g:2,k] = x[(g k)]" => "in x : f32[8]\ny[g:2,k] = x[(g k)]";
    E0217 ShapeUnsolved: "a size cannot be found from the shapes",
        "A declared shape such as f32[2*n] is solved for a size when one unknown remains and divides exactly. Otherwise give it: NAME=VALUE.",
        "# tcc run split.ein x=ones:7\nin x : f32[2*n]\nout y : f32[n]\ny[i] = x[i] + x[n+i]" => "# tcc run split.ein x=ones:8\nin x : f32[2*n]\nout y : f32[n]\ny[i] = x[i] + x[n+i]";
    E0218 OutputUndefined: "an output has no equation",
        "Every out and var needs an equation.",
        "out y : f32[n]" => "out y : f32[n]\ny[i] = x[i]";
    E0219 IndexBoundTwice: "an index is bound twice",
        "A reduction binds each index once, and an index of the left side that only a reduction inside binds again would stand for nothing: rename one of them. (A reduction inside another one may use its index names again; they hide the outer ones.)",
        "y[i] = sum[i] x[i]" => "y = sum[i] x[i]";
    E0220 MissingIndices: "a tensor without its indices",
        "There is no implicit broadcasting between named things: a tensor with axes is always written with indices.",
        "in b : f32[n]\ny[i] = x[i] + b" => "in b : f32[n]\ny[i] = x[i] + b[i]";
    E0221 WrongArgumentCount: "a function is called with the wrong number of arguments",
        "A call gives one argument for every formal.",
        "y[i] = exp(x[i], 2)" => "y[i] = exp(x[i])";
    E0222 RecursiveFunction: "a function calls itself",
        "Functions are abbreviations and are replaced by their bodies, so they cannot be recursive. A recurrence is an equation that mentions t-1.",
        "fn f(x) = f(x)" => "y[t:T] = y[t-1 | 0] + 1";
    E0223 UnknownFunction: "an unknown function",
        "Neither built in nor defined with fn in this file.",
        "y[i] = gelu(x[i])" => "fn gelu(x) = 0.5*x*(1 + erf(x/sqrt(2)))\ny[i] = gelu(x[i])";
    E0224 ArgumentOfOneIndex: "argmax and argmin take one index",
        "The result is the place along one axis, so exactly one index can be bound.",
        "y = argmax[i,j] A[i,j]" => "y[i] = argmax[j] A[i,j]";
    E0225 TransformSizes: "the sizes of a transform do not fit",
        "Each index before the arrow has one after it. rfft halves the last one; irfft cannot know whether the length was even or odd, so its output sizes are given.",
        "v[x] = irfft[k -> x] Z[k]" => "v[x] = irfft[k -> x:nx] Z[k]";
    E0226 RaggedTable: "the rows of a table differ in length",
        "A table is a tensor: all rows have the same shape.",
        "t[i,j] = {{1,2},{3}}[i,j]" => "t[i,j] = {{1,2},{3,4}}[i,j]";
    E0227 WriteToInput: "an equation for something that is given",
        "Inputs, parameters and sizes come from the caller.",
        "in x : f32[n]\nx[i] = 0" => "in x : f32[n]\ny[i] = 0*x[i]";
    E0228 EmptyMaximum: "an integer maximum over nothing",
        "An empty max or min of floats is -inf or +inf; integers have no such value.",
        "y = max[j:0] 1" => "y = max[j:3] j";
    E0229 ScatterOperatorsDiffer: "equations of one tensor with different operators",
        "Several equations of one tensor combine only under the same operator.",
        "out h : f32[n]\nin a, b : i64[m]\nh[a[e]] += x[e]\nh[b[e]] max= x[e]" => "out h : f32[n]\nin a, b : i64[m]\nh[a[e]] += x[e]\nh[b[e]] += x[e]";
    E0230 ConstantArguments: "the arguments of a constant tensor",
        "w3j, gaunt and dft are computed when the program is compiled: their arguments are numbers, parameters, sizes or indices.",
        "c[i,j] = dft(x[0])[i,j]" => "c[i,j] = dft(4)[i,j]";
    E0232 NegativeSize: "a size is negative or does not fit",
        "The size of an axis is a whole number from 0.",
        "y[i:2-5] = 1" => "y[i:5-2] = 1";
    E0233 NoOutput: "a program without outputs",
        "Declare what the caller gets with out. (An expression given with -e needs no declaration: every tensor that no equation reads is an output.)",
        "# tcc check scale.ein\nin x : f32[n]\ny[i] = 2*x[i]" => "# tcc check scale.ein\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    // E03: types
    E0301 MemoryLimit: "the memory limit cannot be met",
        "The smallest known plan needs more memory than allowed.",
        "# tcc run scale.ein x=ones:100000 --memory 100KiB\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=ones:100000 --memory 100MiB\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0302 FloatToInteger: "a float cannot be stored as an integer",
        "Storing never rounds silently: say how to round.",
        "out y : i64[n]\ny[i] = x[i]/2" => "out y : i64[n]\ny[i] = i64(floor(x[i]/2))";
    E0303 ComplexToReal: "a complex value cannot be stored as a real",
        "Take the part you mean with re, im or abs.",
        "in z : c64[n]\nout y : f32[n]\ny[i] = z[i]" => "in z : c64[n]\nout y : f32[n]\ny[i] = re(z[i])";
    E0304 ComplexOrder: "complex numbers have no order",
        "Comparisons other than == and !=, max, min, floor and the like need real operands.",
        "in z : c64[n]\ny[i] = max(z[i], 0)" => "in z : c64[n]\ny[i] = max(abs(z[i]), 0)";
    E0305 OperandType: "an operand has the wrong type",
        "div and mod, xor and shifts take integers; conj, re and im take complex or real numbers.",
        "y[i] = xor(x[i], 0.5)" => "y[i] = xor(u32(x[i]), 1)";
    E0306 IndexNotInteger: "a place must be an integer",
        "What stands in the brackets of a tensor selects an element, so it must be an integer. / always gives a float: use div.",
        "in x : f32[n]\ny[i:n] = x[i/2]" => "in x : f32[n]\ny[i:n] = x[i div 2]";
    E0307 NegativeExponent: "an integer to a negative power",
        "int^int needs an exponent from 0; make the base a float otherwise.",
        "y = 2^-1" => "y = 2.0^-1";
    E0308 DivisionByZero: "an integer division by zero",
        "div and mod by 0 have no value.",
        "y = 3 div 0" => "y = 3 div 2";
    E0309 ParameterType: "parameters are integers or f64",
        "A param is a single number of type int (i64) or f64 and takes the precision of what it meets. Anything else is an in.",
        "param w : f32\ny[i] = w*x[i]" => "param w : f64\ny[i] = w*x[i]";
    E0310 SizeNotInteger: "a size must be an integer",
        "Sizes are whole numbers made of sizes, int parameters and + - * div mod.",
        "y[i:n/2] = 1" => "y[i:n div 2] = 1";
    // E04: annotations, and what is not there yet
    E0401 UnknownAttribute: "an unknown attribute",
        "The attributes are approx, shard, pack, lowrank, accum, tile, recompute, max, equivariant and symmetric.",
        "@acum(f64)\ny += x[i]" => "@accum(f64)\ny += x[i]";
    E0402 AttributeArguments: "the arguments of an attribute do not fit",
        "Each attribute states which arguments it takes.",
        "@accum(3)\ny += x[i]" => "@accum(f64)\ny += x[i]";
    E0403 NotYet: "part of the language, but not in this version",
        "The construct is understood and has a meaning, but this version of tcc cannot compile it.",
        "in A : f32[n, n] coo\ny[i] = sum[j] A[i,j]" => "in A : f32[n, n]\ny[i] = sum[j] A[i,j]";
    E0404 BudgetExceeded: "a budget is exceeded",
        "@max states what a program may cost at most; the best plan found costs more.",
        "# tcc run scan.ein x=ones:1000\nin x : f32[n]\nout y : f32[n]\n@max(peak=64)\nh[t] = h[t-1 | 0] + x[t]\ny[i] = h[n-1-i]" => "# tcc run scan.ein x=ones:1000\nin x : f32[n]\nout y : f32[n]\n@max(peak=64000)\nh[t] = h[t-1 | 0] + x[t]\ny[i] = h[n-1-i]";
    E0499 Internal: "a mistake of the compiler",
        "The program may be right, but the compiler could not build it. Please report it.",
        "y[i] = x[i]   # no program should show it" => "y[i] = x[i]";
    // E05: binding and calls
    E0501 MissingOperand: "an operand is not given",
        "Every in needs data: NAME=FILE.npy, or a generator such as NAME=rand:4x4.",
        "# tcc run mm.ein A=ones:4x3\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]" => "# tcc run mm.ein A=ones:4x3 B=ones:3x5\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]";
    E0502 UnknownOperand: "the program has no such operand",
        "The name on the command line is neither an in nor a param nor a size of the program.",
        "# tcc run scale.ein X=ones:4\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=ones:4\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0503 OperandRank: "an operand has the wrong number of axes",
        "The declared shape says how many axes the data must have.",
        "# tcc run scale.ein x=ones:4x3\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=ones:4\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0504 OperandExtent: "the sizes of the operands do not agree",
        "A size has one value; two operands give it different ones.",
        "# tcc run mm.ein A=ones:4x3 B=ones:4x5\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]" => "# tcc run mm.ein A=ones:4x3 B=ones:3x5\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]";
    E0505 OperandDtype: "an operand has the wrong element type",
        "Data are converted only where nothing is lost: declare the type they have, or convert them.",
        "# tcc run scale.ein x=a.npy\nin x : i64[n]\nout y : i64[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=a.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0506 MissingValue: "a parameter or size has no value",
        "Parameters, and sizes that no operand determines, are given as NAME=VALUE.",
        "# tcc run scale.ein x=ones:4\nparam w : f64\nin x : f32[n]\nout y : f32[n]\ny[i] = w*x[i]" => "# tcc run scale.ein x=ones:4 w=8\nparam w : f64\nin x : f32[n]\nout y : f32[n]\ny[i] = w*x[i]";
    E0507 OutsideInterval: "an element lies outside its declared interval",
        "`in [low, high]` after a type is a promise that is checked when the program is called.",
        "# tcc run scale.ein x=arange:4\nin x : f32[n] in [0, 1]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=arange:4\nin x : f32[n] in [0, 3]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0508 IndexOutside: "an index computed from data lies outside",
        "Places that depend on data are checked while the program runs.",
        "# tcc run gather.ein x=ones:3 src=arange:5\nin x : f32[n]\nin src : i64[m]\nout y : f32[m]\ny[e] = x[src[e]]" => "# tcc run gather.ein x=ones:3 src=arange:5\nin x : f32[n]\nin src : i64[m]\nout y : f32[m]\ny[e] = x[src[e] | 0]";
    E0509 RuntimeDivisionByZero: "an integer division by zero while running",
        "div and mod by 0 have no value. Guard them with if or where.",
        "# tcc run mod.ein a=ones:3 b=zeros:3\nin a, b : i64[n]\nout y : i64[n]\ny[i] = a[i] mod b[i]" => "# tcc run mod.ein a=ones:3 b=zeros:3\nin a, b : i64[n]\nout y : i64[n]\ny[i] = if b[i] == 0 then 0 else a[i] mod b[i]";
    E0510 RuntimeEmptyReduction: "a reduction over nothing that has no value",
        "An integer max or min, an argmax or an argmin found no element.",
        "# tcc run top.ein a=zeros:3\nin a : i64[n]\nout y : i64\ny = max[j where a[j] > 9] a[j]" => "# tcc run top.ein a=zeros:3\nin a : i64[n]\nout y : i64\ny = max[j] (if a[j] > 9 then a[j] else 0)";
    E0511 EinsumOperands: "an einsum string does not fit its operands",
        "There is one group of letters for every operand, with one letter for every axis.",
        "# tcc run -e A=ones:4x3\nij,jk->ik" => "# tcc run -e A=ones:4x3 B=ones:3x5\nij,jk->ik";
    E0512 RuntimeNegativeExponent: "an integer to a negative power while running",
        "int^int needs an exponent from 0; make the base a float otherwise.",
        "# tcc run power.ein a=ones:3\nin a : i64[n]\nout y : i64[n]\ny[i] = a[i]^(a[i]-2)" => "# tcc run power.ein a=ones:3\nin a : i64[n]\nout y : f64[n]\ny[i] = f64(a[i])^(a[i]-2)";
    // E06: files
    E0601 FileUnreadable: "a file cannot be read",
        "The file does not exist or is no regular file.",
        "# tcc run scale.ein x=missing.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=a.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0602 FileMalformed: "a file is damaged, or not in its format",
        "What the header of the file claims and what the file holds must agree exactly.",
        "# tcc run scale.ein x=damaged.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=a.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0603 FileElementType: "a file holds elements that are no numbers of the language",
        "Objects, texts, dates and records are not read; neither are floats wider than 64 bits.",
        "# tcc run scale.ein x=objects.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=a.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0604 NoSuchMember: "a file has no such member",
        "A .npz or .safetensors file holds named arrays; NAME=FILE:MEMBER picks one.",
        "# tcc run scale.ein x=pack.npz:y\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=pack.npz:x\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0605 FileUnwritable: "a file cannot be written",
        "The folder does not exist, or it may not be written. Nothing was written.",
        "# tcc run scale.ein x=ones:4 -o y=no/such/folder/y.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=ones:4 -o y=y.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0606 OperandWord: "a word is no operand",
        "Operands are NAME=FILE.npy, NAME=PACK.npz:MEMBER, NAME=FILE.safetensors:TENSOR, NAME=rand:4x4 (also ones, zeros, eye, arange), NAME=- for .npy on standard input, NAME=VALUE, or a bare PACK.npz.",
        "# tcc run mm.ein A=rand:4by3 B=rand:3x5\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]" => "# tcc run mm.ein A=rand:4x3 B=rand:3x5\nin A : f32[n, m]\nin B : f32[m, p]\nout C : f32[n, p]\nC[i,k] = sum[j] A[i,j] * B[j,k]";
    E0607 AmbiguousMember: "a pack has two members for one operand",
        "An input X is bound to the member X, else to in_X; with both present tcc does not guess.",
        "# tcc run scale.ein pack.npz\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=pack.npz:x\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    E0608 FileForbidden: "a file may not be opened",
        "The operating system refuses: see the permissions of the file and of its folders.",
        "# tcc run scale.ein x=secret.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]" => "# tcc run scale.ein x=a.npy\nin x : f32[n]\nout y : f32[n]\ny[i] = 2*x[i]";
    // W04: warnings
    W0401 ShadowsBuiltin: "a function hides a built-in one",
        "The fn of the file is used. Rename it if the built-in one was meant.",
        "fn relu(x) = x\ny[i] = relu(x[i])" => "fn my_relu(x) = x\ny[i] = my_relu(x[i])";
    W0402 UnusedName: "declared and never used",
        "The declaration has no effect on the outputs.",
        "in x, z : f32[n]\nout y : f32[n]\ny[i] = x[i]" => "in x : f32[n]\nout y : f32[n]\ny[i] = x[i]";
    W0403 HintIgnored: "a hint without effect",
        "@shard, @tile, @pack and @recompute say how to compute, never what. This version does not use them.",
        "@tile(i=4)\ny[i] = x[i]" => "y[i] = x[i]";
    W0412 OverflowPossible: "integer overflow is possible",
        "With the sizes and types given, the result may not fit and would wrap. Ask for a wider accumulator or check while running.",
        "in A, B : i32[4096, 4096]\nC[i,j] = sum[k] A[i,k]*B[k,j]" => "in A, B : i32[4096, 4096]\nout C : i64[4096, 4096]\n@accum(i64)\nC[i,j] = sum[k] A[i,k]*B[k,j]";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted_within_their_letter() {
        for pair in CODES.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} and {}", pair[0].id, pair[1].id);
        }
        for row in CODES {
            assert_eq!(Code::from_id(row.id), Some(row.code));
            assert!(row.title.len() < 80 && !row.title.ends_with('.'), "{}", row.id);
        }
    }
}
