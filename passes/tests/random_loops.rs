//! Every loop pass, in any order and any number of times, keeps random functions verified and their
//! results the same bit for bit under the strict contract.

use std::fmt::Write;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Dtype, Ir, Native, Tensor};
use tcc_passes::{Contract, LOOP_PASSES, PassContext};

/// A small generator of numbers: the same seeds give the same functions everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// Writes random statements. All extents are 8, and every index is brought into range.
struct Writer {
    random: Random,
    text: String,
    /// Integers in scope: counters between 0 and 7.
    counters: Vec<String>,
    /// Numbers in scope.
    lets: Vec<String>,
    names: usize,
    /// Whether a register may be used: not in a parallel loop before it is written there.
    register: bool,
}

impl Writer {
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn counter(&mut self) -> String {
        match self.counters.len() {
            0 => self.random.below(8).to_string(),
            count => self.counters[self.random.below(count)].clone(),
        }
    }

    fn index(&mut self) -> String {
        let (a, b, c) = (self.counter(), self.counter(), self.random.below(8));
        match self.random.below(8) {
            0 => format!("({a} + {c}) mod 8"),
            1 => format!("({a} * {b}) mod 8"),
            2 => format!("min(7, {a} + {b})"),
            3 => c.to_string(),
            4 => format!("7 - {a}"),
            _ => a,
        }
    }

    fn place(&mut self, buffers: &[&str]) -> String {
        let buffer = self.random.pick(buffers);
        let (i, j) = (self.index(), self.index());
        match buffer {
            "r" if self.register => "r".into(),
            "Z" | "W" => format!("{buffer}[{i}, {j}]"),
            "r" => format!("X[{i}]"),
            one => format!("{one}[{i}]"),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return match self.random.below(4) {
                0 => format!("{}.5f32", self.random.below(4)),
                1 if !self.lets.is_empty() => self.lets[self.random.below(self.lets.len())].clone(),
                2 => format!("f32({})", self.counter()),
                _ => self.place(&["X", "Z", "Y", "W", "S", "r"]),
            };
        }
        let (a, b) = (self.value(depth - 1), self.value(depth - 1));
        match self.random.below(7) {
            0 => format!("{a} - ({b})"),
            1 => format!("max({a}, {b})"),
            2 => format!("sqrt(abs({a}))"),
            3 => format!("select({a} < {b}, {a}, {b})"),
            4 => format!("fma({a}, {b}, 0.5f32)"),
            5 => format!("({a}) * 0.25f32"),
            _ => format!("({a}) + {b}"),
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("strings grow");
        self.text.push('\n');
    }

    fn block(&mut self, depth: usize) {
        let (counters, lets) = (self.counters.len(), self.lets.len());
        for _ in 0..1 + self.random.below(3) {
            self.statement(depth);
        }
        self.counters.truncate(counters);
        self.lets.truncate(lets);
    }

    fn statement(&mut self, depth: usize) {
        match self.random.below(if depth == 0 { 4 } else { 10 }) {
            0 => {
                let (value, name) = (self.value(2), self.name("x"));
                self.line(format_args!("let {name}: f32 = {value}"));
                self.lets.push(name);
            }
            1 => {
                let (place, value) = (self.place(&["Y", "W", "S"]), self.value(2));
                self.line(format_args!("{place} = {value}"));
            }
            2 | 3 => {
                let (place, value) = (self.place(&["Y", "W", "S"]), self.value(2));
                let sign = self.random.pick(&["+=", "max=", "min="]);
                self.line(format_args!("{place} {sign} {value}"));
            }
            4 => {
                let (a, b) = (self.counter(), self.counter());
                self.line(format_args!("if {a} < {b} {{"));
                self.block(depth - 1);
                self.line(format_args!("}} else {{"));
                self.block(depth - 1);
                self.line(format_args!("}}"));
            }
            5 if self.register => self.reduction(),
            6 => self.parallel(),
            _ => {
                let (counter, name) = (self.counter(), self.name("i"));
                let kind = self.random.below(10);
                let range = match kind {
                    0 => format!("{counter}..8"),
                    1 => format!("0..{counter}"),
                    2 => "3..1".into(),
                    3 | 4 => format!("{}..{}", self.random.below(3), 3 + self.random.below(6)),
                    _ => "0..n".into(),
                };
                let unroll = if kind == 3 { "unroll " } else { "" };
                self.line(format_args!("{unroll}for {name} in {range} {{"));
                self.counters.push(name);
                self.block(depth - 1);
                self.line(format_args!("}}"));
                self.counters.pop();
            }
        }
    }

    fn reduction(&mut self) {
        let (name, start, place) = (self.name("k"), self.value(1), self.place(&["Y", "W", "S"]));
        self.line(format_args!("r = {start} for {name} in 0..n {{"));
        self.counters.push(name);
        let value = self.value(2);
        self.counters.pop();
        self.line(format_args!("r += {value} }} {place} = r"));
    }

    /// Iterations write their own places and read only inputs.
    fn parallel(&mut self) {
        let (name, inner) = (self.name("p"), self.name("q"));
        let kind = self.random.pick(&["parallel", "vector"]);
        let i = self.index();
        self.line(format_args!("{kind} for {name} in 0..8 {{ Y[{name}] += X[{i}] * Z[{name}, {i}] }}"));
        self.line(format_args!(
            "parallel for {inner} in 0..n {{ S[{inner}] = X[{inner}] W[{i}, {inner}] += S[{inner}] }}"
        ));
    }
}

/// The text of a random function; the backends' tests run them too.
pub fn function(seed: u64) -> String {
    let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut writer = Writer {
        random,
        text: String::new(),
        counters: Vec::new(),
        lets: Vec::new(),
        names: 0,
        register: true,
    };
    for _ in 0..4 {
        writer.statement(3);
    }
    format!(
        "func @random(n) {{
           input X: f32[n] input Z: f32[n, n] output Y: f32[n] output W: f32[n, n]
           scratch S: f32[n] scratch r: f32
           r = 0.5f32
           for y in 0..n {{ Y[y] = X[y] S[y] = 1.0f32 for w in 0..n {{ W[y, w] = Z[w, y] }} }}
           {}
         }}",
        writer.text
    )
}

fn results(func: &Func) -> Vec<Tensor<Native>> {
    let ramp = |shape: &[usize]| {
        let numbers: Vec<f64> =
            (0..shape.iter().product()).map(|n: usize| (n % 7) as f64 / 4.0 - 0.75).collect();
        Tensor::from_f64s(Dtype::F32, shape, &numbers).expect("a tensor")
    };
    func.eval(&[ramp(&[8]), ramp(&[8, 8])], &Bindings::new())
        .unwrap_or_else(|error| panic!("{error}\n{func}"))
}

/// Results as bits, since NaN is equal to nothing.
fn bits(tensors: &[Tensor<Native>]) -> Vec<u64> {
    tensors.iter().flat_map(Tensor::to_f64s).map(f64::to_bits).collect()
}

#[test]
fn passes_keep_random_functions_in_any_order() {
    // Results stay the same to the last bit.
    let strict = PassContext { contract: Contract::Strict, ..PassContext::default() };
    for seed in 1..=300 {
        let text = function(seed);
        let original: Func = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        original.verify().unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let expected = bits(&results(&original));
        let mut random = Random(seed);
        let mut func = original.clone();
        let mut applied = Vec::new();
        for _ in 0..6 {
            let pass = &LOOP_PASSES[random.below(LOOP_PASSES.len())];
            let argument = |param: &tcc_passes::Param, random: &mut Random| {
                (param.name, param.choices[random.below(param.choices.len())])
            };
            let arguments = pass.params.iter().map(|param| argument(param, &mut random)).collect();
            let context = strict.with_arguments(&arguments);
            let before = func.clone();
            (pass.run)(&mut func, &context);
            func.compact();
            applied.push(format!("{}{arguments:?}", pass.name));
            let report = || format!("seed {seed}, after {applied:?}\n{before}\n-->\n{func}");
            func.verify().unwrap_or_else(|errors| panic!("{errors}\n{}", report()));
            assert_eq!(func.to_string().parse().as_ref(), Ok(&func), "{}", report());
            assert!(bits(&results(&func)) == expected, "other results: {}", report());
        }
    }
}
