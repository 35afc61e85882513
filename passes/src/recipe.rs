//! Recipes: everything that decides what the passes make of a program, as text both ways.
//!
//! ```text
//! tcc-recipe 1
//! version = 0.1.0
//! passes = 93ab10c2f5d17e08
//! pipeline = canonicalize, cse | fuse, expand_math, reuse_buffers
//! contract = reassoc
//! nodes = 4000000
//! steps = 100000000
//! fuel = unlimited
//! memory = 4294967296
//! target = x86_64
//! sizes = d=64 n=512
//! ```
//!
//! A recipe is stored in every artefact and replays it: the same program with the same recipe gives the
//! same bytes. `passes` is a hash of the tables of passes, so that another set of passes is noticed.

use crate::context::{Contract, Limits, PassContext};
use crate::{GRAPH_PASSES, LOOP_PASSES, Pass, Pipeline};
use std::fmt;
use std::str::FromStr;
use tcc_ir::{Bindings, ParseError};

/// The first line of a recipe.
const FIRST_LINE: &str = "tcc-recipe 1";

/// How a program was compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The version of tcc.
    pub version: String,
    /// The hash of the tables of passes.
    pub passes: u64,
    /// The passes that ran.
    pub pipeline: Pipeline,
    /// What rewrites were allowed to do to floating-point results.
    pub contract: Contract,
    /// Bounds on growth.
    pub limits: Limits,
    /// Rewrites that were allowed; `None`: any number.
    pub fuel: Option<u64>,
    /// Bytes that one call may take; `None`: any number.
    pub memory: Option<u64>,
    /// What the code is for, as its backend calls it.
    pub target: String,
    /// Sizes that were fixed.
    pub sizes: Bindings,
}

impl Recipe {
    /// The recipe of this version of tcc for a pipeline that begins in `context`.
    pub fn new(pipeline: &Pipeline, context: &PassContext, target: &str) -> Recipe {
        Recipe {
            version: env!("CARGO_PKG_VERSION").into(),
            passes: hash_of_passes(),
            pipeline: pipeline.clone(),
            contract: context.contract,
            limits: context.limits,
            fuel: context.fuel_left(),
            memory: context.memory,
            target: target.into(),
            sizes: context.bindings.clone(),
        }
    }

    /// Why this version of tcc may not make the same bytes from the recipe; empty if it does.
    pub fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let ours = env!("CARGO_PKG_VERSION");
        if self.version != ours {
            found.push(format!("it was made by tcc {}, and this is tcc {ours}", self.version));
        }
        if self.passes != hash_of_passes() {
            let (theirs, ours) = (self.passes, hash_of_passes());
            found.push(format!("its passes are {theirs:016x}, and those of this tcc are {ours:016x}"));
        }
        found
    }

    /// A short name of the recipe: a hash of its text.
    pub fn hash(&self) -> u64 {
        let mut hash = Fnv::default();
        hash.text(&self.to_string());
        hash.0
    }
}

/// A hash of names, descriptions and parameters of all passes.
pub fn hash_of_passes() -> u64 {
    fn add<I>(hash: &mut Fnv, passes: &[Pass<I>]) {
        for pass in passes {
            hash.text(pass.name);
            hash.text(pass.about);
            for param in pass.params {
                hash.text(param.name);
                hash.text(&format!("{} {:?}", param.default, param.choices));
            }
        }
    }
    let mut hash = Fnv::default();
    add(&mut hash, GRAPH_PASSES);
    add(&mut hash, LOOP_PASSES);
    hash.0
}

/// The 64-bit hash of Fowler, Noll and Vo: the same on every machine and in every version.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// A text and its end.
    fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recipe { version, passes, pipeline, contract, limits, fuel, memory, target, sizes } = self;
        let sizes: Vec<String> = sizes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        writeln!(f, "{FIRST_LINE}\nversion = {version}\npasses = {passes:016x}\npipeline = {pipeline}")?;
        writeln!(f, "contract = {}\nnodes = {}\nsteps = {}", contract.name(), limits.nodes, limits.steps)?;
        let number = |limit: &Option<u64>| limit.map_or("unlimited".into(), |limit| limit.to_string());
        writeln!(f, "fuel = {}\nmemory = {}", number(fuel), number(memory))?;
        writeln!(f, "target = {target}\nsizes = {}", sizes.join(" "))
    }
}

impl FromStr for Recipe {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Recipe, ParseError> {
        let wrong = |line: usize, message: String| ParseError { message, line, column: 1 };
        let mut recipe = Recipe::new(&Pipeline::default(), &PassContext::default(), "");
        let mut lines = text.lines().zip(1..);
        if lines.next().is_none_or(|(line, _)| line.trim() != FIRST_LINE) {
            return Err(wrong(1, format!("a recipe begins with `{FIRST_LINE}`")));
        }
        for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| wrong(number, format!("expected `name = value`, found `{line}`")))?;
            set(&mut recipe, name.trim(), value.trim()).map_err(|message| wrong(number, message))?;
        }
        Ok(recipe)
    }
}

/// Sets one line of a recipe.
fn set(recipe: &mut Recipe, name: &str, value: &str) -> Result<(), String> {
    fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
        value.parse().map_err(|_| format!("`{name}` is a number, not `{value}`"))
    }
    match name {
        "version" => recipe.version = value.into(),
        "passes" => {
            recipe.passes = u64::from_str_radix(value, 16)
                .map_err(|_| format!("`passes` is a hash in hexadecimal digits, not `{value}`"))?;
        }
        "pipeline" => recipe.pipeline = Pipeline::parse(value).map_err(|error| error.to_string())?,
        "contract" => {
            recipe.contract =
                Contract::from_name(value).ok_or_else(|| format!("there is no contract `{value}`"))?;
        }
        "nodes" => recipe.limits.nodes = number(name, value)?,
        "steps" => recipe.limits.steps = number(name, value)?,
        "fuel" if value == "unlimited" => recipe.fuel = None,
        "fuel" => recipe.fuel = Some(number(name, value)?),
        "memory" if value == "unlimited" => recipe.memory = None,
        "memory" => recipe.memory = Some(number(name, value)?),
        "target" => recipe.target = value.into(),
        "sizes" => {
            recipe.sizes = Bindings::new();
            for word in value.split_whitespace() {
                let (symbol, size) =
                    word.split_once('=').ok_or_else(|| format!("expected `name=size`, found `{word}`"))?;
                recipe.sizes.insert(symbol.into(), number(symbol, size)?);
            }
        }
        _ => return Err(format!("a recipe has no line `{name}`")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        let pipeline = Pipeline::parse("canonicalize, cse | tile(16), vectorize(8)").expect("a pipeline");
        let sizes: Bindings = [("n".into(), 512), ("d".into(), 64)].into();
        let context = PassContext::new(Contract::Strict, sizes).with_fuel(7);
        let context = PassContext { memory: Some(1 << 20), ..context };
        Recipe::new(&pipeline, &context, "x86_64")
    }

    #[test]
    fn text_reads_back_as_it_was() {
        let recipe = recipe();
        assert_eq!(recipe.to_string().parse(), Ok(recipe.clone()));
        assert_eq!(recipe.differences(), Vec::<String>::new());
    }

    #[test]
    fn another_version_says_what_differs() {
        let mut other = recipe();
        other.version = "9.9.9".into();
        other.passes ^= 1;
        assert_eq!(other.differences().len(), 2);
        assert_ne!(other.hash(), recipe().hash());
    }

    #[test]
    fn wrong_lines_are_named() {
        let wrong = |text: &str| text.parse::<Recipe>().expect_err(text);
        assert_eq!(wrong("pipeline = cse").line, 1);
        let unknown = wrong("tcc-recipe 1\n\ncolour = red");
        assert_eq!((unknown.line, unknown.message.as_str()), (3, "a recipe has no line `colour`"));
        assert!(wrong("tcc-recipe 1\npipeline = cse, ces").message.contains("cse"));
        assert!(wrong("tcc-recipe 1\nsizes = n=few").message.contains("few"));
    }
}
