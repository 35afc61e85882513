//! C headers: a typed function around the one ABI of compiled code.
//!
//! Everything is `static inline`, so that the header and the object file are all there is. Sizes are
//! arguments, arithmetic on them saturates, and every condition the program states is checked before
//! the code runs.

use crate::binding_error::coded;
use crate::{Dtype, Error, Source};
use std::collections::BTreeMap;
use std::fmt::Write;
use tcc_frontend::Program;
use tcc_frontend::diagnostic::Code;
use tcc_ir::extent::Atom;
use tcc_ir::graph::Input;
use tcc_ir::loops::{Func, Role};
use tcc_ir::scalar::Literal;
use tcc_ir::{Extent, Name, Relation, Requirement};
use tcc_passes::Recipe;

/// Status of a call without working memory.
const NO_SCRATCH: i64 = -1;
/// Status of a call with a negative size.
const BAD_SIZE: i64 = -2;
/// Status of a call that breaks the first requirement; the next ones count downwards.
const REQUIREMENT: i64 = -10;

/// The C side of one program.
pub struct Wrapper<'a> {
    stem: String,
    program: &'a Program,
    func: &'a Func,
    names: BTreeMap<Name, String>,
}

/// A parameter of the C function.
struct CParameter<'a> {
    name: String,
    /// Its name in the program.
    called: &'a str,
    dtype: Dtype,
    extents: Vec<Extent>,
    input: Option<&'a Input>,
}

impl<'a> Wrapper<'a> {
    /// The wrapper of `func`, which was compiled from `program`, in files called `stem`.
    pub fn new(stem: &str, program: &'a Program, func: &'a Func) -> Wrapper<'a> {
        let mut names: BTreeMap<Name, String> = BTreeMap::new();
        let buffers = func.buffers.iter().filter(|b| matches!(b.role, Role::Input | Role::Output));
        for name in func.symbols.iter().map(|s| &s.name).chain(buffers.map(|b| &b.name)) {
            let mut candidate = c_name(name);
            while names.values().any(|taken| *taken == candidate) {
                candidate.push('_');
            }
            names.insert(name.clone(), candidate);
        }
        Wrapper { stem: stem.to_owned(), program, func, names }
    }

    /// The symbol of the code in the object file.
    pub fn symbol(&self) -> String {
        format!("{}_kernel", self.function())
    }

    /// The name of the typed function.
    pub fn function(&self) -> String {
        format!("tcc_{}", letters(&self.stem))
    }

    fn name(&self, name: &Name) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| c_name(name))
    }

    fn parameters(&self) -> Vec<CParameter<'a>> {
        let wanted = self.func.buffers.iter().filter(|b| matches!(b.role, Role::Input | Role::Output));
        wanted
            .map(|buffer| CParameter {
                name: self.name(&buffer.name),
                called: &buffer.name,
                dtype: buffer.dtype,
                extents: buffer.extents.clone(),
                input: self
                    .program
                    .graph
                    .inputs
                    .iter()
                    .find(|input| matches!(buffer.role, Role::Input) && input.name == buffer.name),
            })
            .collect()
    }

    fn sizes(&self) -> Vec<String> {
        self.func.symbols.iter().map(|symbol| format!("int64_t {}", self.name(&symbol.name))).collect()
    }

    /// The header.
    pub fn header(&self, source: &Source, recipe: &Recipe) -> String {
        let guard = format!("TCC_{}_H", letters(&self.stem));
        let mut out = String::new();
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(
            out,
            "/* {}.h, made by tcc {version} (tensor compiler) from this program:\n *",
            in_comment(&self.stem)
        );
        for line in source.text.trim_end().lines() {
            let _ = writeln!(out, " *   {}", in_comment(line));
        }
        let _ = writeln!(out, " *\n * Recipe {:016x}:\n *", recipe.hash());
        for line in recipe.to_string().lines() {
            let _ = writeln!(out, " *   {}", in_comment(line));
        }
        out.push_str(
            " *\n * Arrays are dense and row-major; the extents stand beside each parameter. No two parameters may\n \
             * overlap, inputs are only read. Nothing is allocated, there is no global state: any number of\n \
             * threads may call at the same time, each with its own scratch memory (aligned to 8 bytes).\n \
             * Complex numbers are pairs of real and imaginary part; f16 and bf16 are their 16 bits. */\n",
        );
        let _ = writeln!(
            out,
            "#ifndef {guard}\n#define {guard}\n\n#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
        );
        out.push_str(RUNTIME);
        let _ = writeln!(
            out,
            "#ifdef __cplusplus\nextern \"C\"\n#else\nextern\n#endif\nint32_t {}(uint8_t *const *buffers, const int64_t *sizes, uint8_t *scratch);\n",
            self.symbol()
        );
        self.scratch_function(&mut out);
        self.call_function(&mut out);
        self.strerror_function(&mut out);
        out.push_str("#endif\n");
        out
    }

    fn scratch_function(&self, out: &mut String) {
        let sizes = self.sizes();
        let list = if sizes.is_empty() { "void".to_owned() } else { sizes.join(", ") };
        let arena = tcc_backends::with_places(self.func).arena.clone().unwrap_or_default();
        let _ = writeln!(
            out,
            "/* Bytes of scratch memory that {} needs. */\nstatic inline size_t {}_scratch({list})\n{{",
            self.function(),
            self.function()
        );
        for symbol in &self.func.symbols {
            let _ = writeln!(out, "    (void)({});", self.name(&symbol.name));
        }
        let _ = writeln!(out, "    return (size_t)({});\n}}\n", self.extent(&arena));
    }

    fn call_function(&self, out: &mut String) {
        let parameters = self.parameters();
        let mut list = self.sizes();
        for parameter in &parameters {
            list.push(parameter.declaration());
        }
        list.push("void *scratch".into());
        let _ = writeln!(out, "/* Sizes, then inputs, then outputs:");
        for parameter in &parameters {
            let _ = writeln!(out, " *   {}", self.describe(parameter));
        }
        let _ = writeln!(
            out,
            " * `scratch`: {}_scratch(..) bytes, or NULL if that is 0.\n * Returns 0, or a status that {}_strerror explains. */",
            self.function(),
            self.function()
        );
        let _ = writeln!(out, "static inline int {}({})\n{{", self.function(), list.join(", "));
        self.checks(out);
        self.interval_checks(out);
        let values: Vec<String> = self.func.symbols.iter().map(|symbol| self.name(&symbol.name)).collect();
        let values = if values.is_empty() { "0".to_owned() } else { values.join(", ") };
        let _ = writeln!(out, "    {{\n        int64_t tcc_sizes[] = {{ {values} }};");
        let _ = writeln!(out, "        uint8_t *tcc_buffers[{}];", parameters.len().max(1));
        for (at, parameter) in parameters.iter().enumerate() {
            let _ = writeln!(out, "        tcc_buffers[{at}] = {};", parameter.pointer());
        }
        let _ = writeln!(
            out,
            "        return {}(tcc_buffers, tcc_sizes, (uint8_t *)scratch);\n    }}\n}}\n",
            self.symbol()
        );
    }

    /// Conditions on sizes and scratch memory.
    fn checks(&self, out: &mut String) {
        for symbol in self.func.symbols.iter().filter(|symbol| !symbol.param) {
            let _ = writeln!(out, "    if ({} < 0) return {BAD_SIZE};", self.name(&symbol.name));
        }
        for (at, requirement) in self.func.requirements.iter().enumerate() {
            let (left, right) = (self.extent(&requirement.left), self.extent(&requirement.right));
            let holds = match requirement.relation {
                Relation::Eq => format!("{left} == {right}"),
                Relation::Le => format!("{left} <= {right}"),
                Relation::Divides => format!("{left} != 0 && TCC_mod({right}, {left}) == 0"),
            };
            let _ = writeln!(out, "    if (!({holds})) return {};", REQUIREMENT - at as i64);
        }
        let sizes: Vec<String> = self.func.symbols.iter().map(|s| self.name(&s.name)).collect();
        let _ = writeln!(
            out,
            "    if (!scratch && {}_scratch({}) != 0) return {NO_SCRATCH};",
            self.function(),
            sizes.join(", ")
        );
    }

    /// The parameters with a promised interval: status, interval.
    fn intervals(&self) -> Vec<(i64, CParameter<'a>, (String, String))> {
        let first = REQUIREMENT - self.func.requirements.len() as i64;
        let promised = self.parameters().into_iter().filter_map(|parameter| {
            let (low, high) = parameter.input?.range?;
            Some((parameter, (number(low), number(high))))
        });
        promised.zip(0..).map(|((parameter, interval), at)| (first - at, parameter, interval)).collect()
    }

    /// Conditions on the elements of inputs with a promised interval. A complex number keeps it with its
    /// real part.
    fn interval_checks(&self, out: &mut String) {
        for (status, parameter, (low, high)) in self.intervals() {
            let (_, parts) = c_type(parameter.dtype);
            let extents = parameter.extents.iter().map(|extent| self.extent(extent));
            let count = extents.reduce(|count, extent| format!("TCC_mul({count}, {extent})"));
            let count = count.unwrap_or_else(|| literal(1));
            let element = match (parameter.is_number(), parts) {
                (true, _) => parameter.name.clone(),
                (false, 1) => format!("{}[at]", parameter.name),
                (false, _) => format!("{}[{parts} * at]", parameter.name),
            };
            let value = match parameter.dtype {
                Dtype::F16 => format!("TCC_f16({element})"),
                Dtype::BF16 => format!("TCC_bf16({element})"),
                _ => format!("(double){element}"),
            };
            let check = format!("if (!({value} >= {low} && {value} <= {high})) return {status};");
            let _ = if parameter.is_number() {
                writeln!(out, "    {check}")
            } else {
                writeln!(
                    out,
                    "    {{\n        int64_t at, count = {count};\n        for (at = 0; at < count; at++) {check}\n    }}"
                )
            };
        }
    }

    fn strerror_function(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "/* What a status of {} means. */\nstatic inline const char *{}_strerror(int status)\n{{\n    switch (status) {{",
            self.function(),
            self.function()
        );
        for (at, check) in self.func.checks.iter().enumerate() {
            let _ = writeln!(out, "    case {}: return {};", at + 1, c_string(&check.message));
        }
        for (at, requirement) in self.func.requirements.iter().enumerate() {
            let message = requirement_text(requirement);
            let _ = writeln!(out, "    case {}: return {};", REQUIREMENT - at as i64, c_string(&message));
        }
        for (status, parameter, (low, high)) in self.intervals() {
            let message = format!(
                "{}: an element of {} lies outside [{low}, {high}]",
                Code::OutsideInterval,
                parameter.called
            );
            let _ = writeln!(out, "    case {status}: return {};", c_string(&message));
        }
        out.push_str("    default: return TCC_strerror(status);\n    }\n}\n\n");
    }

    fn describe(&self, parameter: &CParameter<'_>) -> String {
        let extents: Vec<String> = parameter.extents.iter().map(Extent::to_string).collect();
        let shape = if extents.is_empty() { String::new() } else { format!("[{}]", extents.join(", ")) };
        let mut text = format!("{} : {}{shape}", parameter.name, parameter.dtype);
        if let Some((low, high)) = parameter.input.and_then(|input| input.range) {
            let _ = write!(text, " in [{}, {}]", number(low), number(high));
        }
        in_comment(&text)
    }

    /// A C expression for an extent; arithmetic saturates at the bounds of int64_t.
    fn extent(&self, extent: &Extent) -> String {
        let mut sum: Option<String> = None;
        for (coefficient, atoms) in extent.terms() {
            let coefficient = i64::try_from(coefficient).unwrap_or(i64::MAX);
            let mut product = literal(coefficient);
            for (at, atom) in atoms.iter().enumerate() {
                let atom = match atom {
                    Atom::Symbol(name) => self.name(name),
                    Atom::Div(a, b) => format!("TCC_div({}, {})", self.extent(a), self.extent(b)),
                    Atom::Mod(a, b) => format!("TCC_mod({}, {})", self.extent(a), self.extent(b)),
                };
                product =
                    if at == 0 && coefficient == 1 { atom } else { format!("TCC_mul({product}, {atom})") };
            }
            sum = Some(match sum {
                None => product,
                Some(sum) => format!("TCC_add({sum}, {product})"),
            });
        }
        sum.unwrap_or_else(|| literal(0))
    }

    /// A program that calls the function once on made-up data; `archive` is what is linked beside the object.
    pub fn example(&self, archive: &str) -> Result<String, Error> {
        let bindings = crate::operand::make_up::small_sizes(&self.program.graph)?;
        let value = |extent: &Extent| -> Result<i64, Error> {
            extent.eval(&bindings).map_err(|error| Error::Argument(error.to_string()))
        };
        let mut out = format!(
            "/* Calls {0} once on made-up data: cc {2}_main.c {2}.o{archive} -lm && ./a.out */\n#include \"{1}.h\"\n#include <stdio.h>\n#include <stdlib.h>\n\nint main(void)\n{{\n",
            self.function(),
            self.stem,
            in_comment(&self.stem)
        );
        let mut arguments = Vec::new();
        for symbol in &self.func.symbols {
            let name = self.name(&symbol.name);
            let size = bindings.get(&symbol.name).copied().unwrap_or(1);
            let _ = writeln!(out, "    const int64_t {name} = {size};");
            arguments.push(name);
        }
        let sizes = arguments.join(", ");
        let (mut frees, mut prints) = (String::new(), String::new());
        for parameter in self.parameters() {
            let (name, called) = (&parameter.name, parameter.called);
            if let Some(input) = parameter.input.filter(|input| input.param.is_some()) {
                let value = input.param.flatten().map_or_else(|| "0.5".to_owned(), number);
                let _ = writeln!(out, "    const double {name} = {value};");
                arguments.push(name.clone());
                continue;
            }
            let mut count = 1i64;
            for extent in &parameter.extents {
                count = count.saturating_mul(value(extent)?);
            }
            let (c_type, parts) = c_type(parameter.dtype);
            let count = count * parts;
            let _ =
                writeln!(out, "    {c_type} *{name} = ({c_type} *)calloc({count} + 1, sizeof({c_type}));");
            if parameter.input.is_some() {
                let _ = writeln!(
                    out,
                    "    for (int64_t at = 0; at < {count}; at++) {name}[at] = {};",
                    example_value(parameter.dtype)
                );
            } else if matches!(parameter.dtype, Dtype::F32 | Dtype::F64 | Dtype::C64 | Dtype::C128) {
                let _ = writeln!(
                    prints,
                    "    double {name}_sum = 0;\n    for (int64_t at = 0; at < {count}; at++) {name}_sum += (double){name}[at];\n    printf(\"{called}: sum of %d numbers %.6g\\n\", {count}, {name}_sum);"
                );
            } else {
                let _ = writeln!(
                    prints,
                    "    printf(\"{called}: %d numbers, first bits %lld\\n\", {count}, (long long){name}[0]);"
                );
            }
            let _ = writeln!(frees, "    free({name});");
            arguments.push(name.clone());
        }
        let _ = writeln!(out, "    void *scratch = malloc({}_scratch({sizes}) + 1);", self.function());
        arguments.push("scratch".into());
        let _ = writeln!(out, "    int status = {}({});", self.function(), arguments.join(", "));
        let _ = writeln!(
            out,
            "    if (status != 0) {{\n        fprintf(stderr, \"{}: %s\\n\", {}_strerror(status));\n        return 1;\n    }}",
            self.function(),
            self.function()
        );
        out.push_str(&prints);
        out.push_str(&frees);
        out.push_str("    free(scratch);\n    return 0;\n}\n");
        Ok(out)
    }
}

impl CParameter<'_> {
    fn is_number(&self) -> bool {
        self.input.is_some_and(|input| input.param.is_some())
    }

    fn declaration(&self) -> String {
        let (c_type, _) = c_type(self.dtype);
        match (self.is_number(), self.input.is_some()) {
            (true, _) => format!("double {}", self.name),
            (false, true) => format!("const {c_type} *{}", self.name),
            (false, false) => format!("{c_type} *{}", self.name),
        }
    }

    fn pointer(&self) -> String {
        let address = if self.is_number() { "&" } else { "" };
        format!("(uint8_t *){address}{}", self.name)
    }
}

/// The C type of an element (of its parts, if it is complex), and how many parts it has.
fn c_type(dtype: Dtype) -> (&'static str, i64) {
    match dtype {
        Dtype::Bool | Dtype::U8 => ("uint8_t", 1),
        Dtype::U32 => ("uint32_t", 1),
        Dtype::I32 => ("int32_t", 1),
        Dtype::I64 => ("int64_t", 1),
        Dtype::F16 | Dtype::BF16 => ("uint16_t", 1),
        Dtype::F32 => ("float", 1),
        Dtype::F64 => ("double", 1),
        Dtype::C64 => ("float", 2),
        Dtype::C128 => ("double", 2),
    }
}

/// A made-up element at the place `at`, as a C expression.
fn example_value(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Bool | Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 => "at % 2",
        // 0 or 1 in their 16 bits.
        Dtype::F16 => "at % 2 ? 0x3c00 : 0",
        Dtype::BF16 => "at % 2 ? 0x3f80 : 0",
        Dtype::F32 | Dtype::C64 => "(float)(at % 7) / 7 - 0.4f",
        Dtype::F64 | Dtype::C128 => "(double)(at % 7) / 7 - 0.4",
    }
}

/// A double constant.
fn number(literal: Literal) -> String {
    match crate::specialised::as_f64(literal) {
        value if value.is_nan() => "(double)NAN".into(),
        value if value.is_infinite() => format!("{}(double)INFINITY", if value < 0.0 { "-" } else { "" }),
        value => format!("{value:?}"),
    }
}

/// What a requirement says, where the values of its sides are not known.
fn requirement_text(requirement: &Requirement) -> String {
    let code = coded(&requirement.message, Code::OperandExtent, None).code;
    let relation = match requirement.relation {
        Relation::Eq => "=",
        Relation::Le => "<=",
        Relation::Divides => "divides",
    };
    let Requirement { left, right, .. } = requirement;
    format!("{code}: {}: required is {left} {relation} {right}", code.info().title)
}

/// Text as it may stand in a comment: neither its end, nor the start of another, nor a trigraph.
fn in_comment(text: &str) -> String {
    // Twice, because `???` has two.
    text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("??", "? ?")
}

/// An int64_t constant.
fn literal(value: i64) -> String {
    if value == i64::MIN { "INT64_MIN".into() } else { format!("INT64_C({value})") }
}

fn c_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '?' => out.push_str("\\?"),
            c if (c as u32) < 32 => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The letters and digits of a name; what C does not allow is written in them.
fn letters(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
            c if c.is_ascii() => out.push('_'),
            c => {
                let _ = write!(out, "u{:x}", c as u32);
            }
        }
    }
    out
}

/// A C name for a name of the program. No keyword, macro or function of C and C++ and no name of the
/// wrapper ends with an underscore, so that none can be meant.
fn c_name(name: &str) -> String {
    format!("{}_", letters(name))
}

/// Arithmetic on sizes, once per translation unit however many headers are included.
const RUNTIME: &str = r#"#ifndef TCC_RUNTIME
#define TCC_RUNTIME
static inline int64_t TCC_add(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b) return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b) return INT64_MIN;
    return a + b;
}
static inline int64_t TCC_mul(int64_t a, int64_t b)
{
    if (a == 0 || b == 0) return 0;
    if (a == -1) return b == INT64_MIN ? INT64_MAX : -b;
    if (b == -1) return a == INT64_MIN ? INT64_MAX : -a;
    if ((a > 0) == (b > 0)) {
        if (a > 0 ? a > INT64_MAX / b : a < INT64_MAX / b) return INT64_MAX;
    } else {
        if (a > 0 ? b < INT64_MIN / a : a < INT64_MIN / b) return INT64_MIN;
    }
    return a * b;
}
static inline int64_t TCC_div(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    if (b == -1) return TCC_mul(a, -1);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static inline int64_t TCC_mod(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a - b * TCC_div(a, b);
}
static inline double TCC_f16(uint16_t bits)
{
    int exponent = (bits >> 10) & 31;
    double value = exponent ? (bits & 1023) + 1024 : bits & 1023;
    int at = exponent ? exponent : 1;
    if (exponent == 31) value = bits & 1023 ? (double)NAN : (double)INFINITY;
    for (; at < 25; at++) value /= 2;
    for (; at > 25; at--) value *= 2;
    return bits & 0x8000 ? -value : value;
}
static inline double TCC_bf16(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}
static inline const char *TCC_strerror(int status)
{
    switch (status) {
    case 0: return "no error";
    case -1: return "scratch memory is missing";
    case -2: return "a size is negative";
    default: return "unknown status";
    }
}
#endif

"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stay_comments() {
        assert_eq!(in_comment("/*/ ???/"), "/ * / ? ? ?/");
    }

    #[test]
    fn names_are_c_names() {
        assert_eq!(c_name("Q"), "Q_");
        assert_eq!(c_name("int"), "int_");
        assert_eq!(c_name("α"), "u3b1_");
        assert_eq!(letters("2 x"), "2_x");
        assert_eq!(c_string("a \"b\" ??"), r#""a \"b\" \?\?""#);
    }
}
