//! Pipelines: sequences of passes as text, both ways.
//!
//! ```text
//! canonicalize, cse, dce | fuse, tile(32), vectorize(16)
//! ```
//!
//! Graph passes stand before the bar, loop passes after it; the bar is the lowering. A text without
//! a bar has graph passes only.

use crate::lower::{LowerError, lower};
use crate::{Arguments, Changed, GRAPH_PASSES, LOOP_PASSES, Pass, PassContext, find};
use std::fmt;
use std::str::FromStr;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Ir, VerifyErrors};
use thiserror::Error;

/// An optimisation level: a name and a pipeline.
pub struct Level {
    /// `O0` to `O3`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// The pipeline.
    pub text: &'static str,
}

/// The optimisation levels. Each ends in the required passes: `expand_math` and `reuse_buffers`
/// establish what backends rely on (no transcendental operation, one planned arena).
pub const LEVELS: &[Level] = &[
    Level { name: "O0", about: "only what backends need", text: "| expand_math, reuse_buffers" },
    Level {
        name: "O1",
        about: "drops what is not needed",
        text: "canonicalize, fold, cse, dce | simplify, expand_math, reuse_buffers",
    },
    Level {
        name: "O2",
        about: "the default: fewer passes over memory, vectors",
        text: "fold, canonicalize, rename_axes, fold, cse, defer_normalisation, saturate, canonicalize, \
               defer_normalisation, cse, contraction_order, cse, dce \
               | simplify, contract, in_place, block, scan, fuse, simplify, interchange, hoist, vectorize(16), parallel, \
               expand_math, simplify, reuse_buffers",
    },
    Level {
        name: "O3",
        about: "also what makes code larger",
        text: "fold, canonicalize, rename_axes, fold, cse, defer_normalisation, saturate, canonicalize, \
               defer_normalisation, cse, contraction_order, cse, dce \
               | simplify, contract, in_place, block, scan, fuse, simplify, interchange, hoist, vectorize(16), unroll(4), \
               parallel, expand_math, simplify, reuse_buffers",
    },
];

/// Most passes on each side of the bar of a text: far more than anybody needs, and few enough to be run.
pub const MOST_PASSES: usize = 4096;

/// One pass of a pipeline with its arguments.
pub struct Step<I: 'static> {
    /// The row of the pass.
    pub pass: &'static Pass<I>,
    /// A value for each of its parameters.
    pub arguments: Arguments,
}

// By hand: deriving would ask the same of `I`.
impl<I> Clone for Step<I> {
    fn clone(&self) -> Step<I> {
        Step { pass: self.pass, arguments: self.arguments.clone() }
    }
}

impl<I> PartialEq for Step<I> {
    fn eq(&self, other: &Step<I>) -> bool {
        self.pass.name == other.pass.name && self.arguments == other.arguments
    }
}

impl<I> fmt::Debug for Step<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Graph passes, the lowering, loop passes.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Pipeline {
    /// Before the bar.
    pub graph: Vec<Step<Graph>>,
    /// After the bar.
    pub loops: Vec<Step<Func>>,
}

/// What is wrong with a pipeline, or what went wrong in one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PipelineError {
    /// The text is not a pipeline.
    #[error("pipeline, column {column}: {message}")]
    Text {
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong, with the nearest correct word where there is one.
        message: String,
    },
    /// The graph cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A pass broke the contract of its level: a bug of the compiler.
    #[error("pass `{pass}` (number {position}) broke the IR:\n{errors}\n{text}")]
    Broken {
        /// The pass; `input` if the IR was broken before the first.
        pass: String,
        /// Its position, from 1; the lowering counts.
        position: usize,
        /// What the verifier found.
        errors: VerifyErrors,
        /// The broken IR in text form.
        text: String,
    },
}

/// Is shown the IR before the first pass (`pass` is `input`, position 0) and after each.
pub trait PassObserver {
    /// A graph, after `pass`, which is number `position`.
    fn graph(&mut self, pass: &str, position: usize, graph: &Graph, changed: Changed) {
        let _ = (pass, position, graph, changed);
    }

    /// A function, after `pass` (the first one is `lower`), which is number `position`.
    fn loops(&mut self, pass: &str, position: usize, func: &Func, changed: Changed) {
        let _ = (pass, position, func, changed);
    }
}

/// Sees nothing.
pub struct Quiet;

impl PassObserver for Quiet {}

impl Pipeline {
    /// The pipeline of a level: `O2`, or `2`.
    pub fn level(name: &str) -> Option<Pipeline> {
        let level = LEVELS.iter().find(|level| level.name == name || &level.name[1..] == name)?;
        Pipeline::parse(level.text).ok()
    }

    /// The pipeline that `text` describes.
    pub fn parse(text: &str) -> Result<Pipeline, PipelineError> {
        let (graph, loops) = match text.split_once('|') {
            None => (text, None),
            Some((graph, loops)) => (graph, Some(loops)),
        };
        let loops = match loops {
            None => Vec::new(),
            Some(loops) => parse_steps(
                LOOP_PASSES,
                loops,
                graph.chars().count() + 1,
                &elsewhere(GRAPH_PASSES, "before"),
            )?,
        };
        Ok(Pipeline { graph: parse_steps(GRAPH_PASSES, graph, 0, &elsewhere(LOOP_PASSES, "after"))?, loops })
    }

    /// Runs the graph passes, the lowering and the loop passes.
    pub fn run(
        &self,
        mut graph: Graph,
        context: &PassContext,
        observer: &mut dyn PassObserver,
    ) -> Result<Func, PipelineError> {
        self.run_graph(&mut graph, context, observer)?;
        let mut func = lower(&graph, context)?;
        self.run_loops(&mut func, context, observer)?;
        Ok(func)
    }

    /// Runs the graph passes alone.
    pub fn run_graph(
        &self,
        graph: &mut Graph,
        context: &PassContext,
        observer: &mut dyn PassObserver,
    ) -> Result<(), PipelineError> {
        observer.graph("input", 0, graph, Changed::No);
        verified(graph, "input", 0, context)?;
        for (index, step) in self.graph.iter().enumerate() {
            let changed = (step.pass.run)(graph, &context.with_arguments(&step.arguments));
            observer.graph(step.pass.name, index + 1, graph, changed);
            verified(graph, step.pass.name, index + 1, context)?;
        }
        Ok(())
    }

    /// Runs the loop passes alone, on a function that comes from the lowering.
    pub fn run_loops(
        &self,
        func: &mut Func,
        context: &PassContext,
        observer: &mut dyn PassObserver,
    ) -> Result<(), PipelineError> {
        let first = self.graph.len() + 1;
        observer.loops("lower", first, func, Changed::Yes);
        verified(func, "lower", first, context)?;
        for (index, step) in self.loops.iter().enumerate() {
            let changed = (step.pass.run)(func, &context.with_arguments(&step.arguments));
            if changed.is_yes() {
                func.compact(); // passes leave declarations of variables that are gone
            }
            observer.loops(step.pass.name, first + index + 1, func, changed);
            verified(func, step.pass.name, first + index + 1, context)?;
        }
        Ok(())
    }
}

/// Checks the contract of the level after a pass, where the context asks for it.
fn verified<I: Ir>(ir: &I, pass: &str, position: usize, context: &PassContext) -> Result<(), PipelineError> {
    if !context.verify {
        return Ok(());
    }
    ir.verify().map_err(|errors| PipelineError::Broken {
        pass: pass.into(),
        position,
        errors,
        text: ir.to_string(),
    })
}

/// Explains a pass that stands on the wrong side of the bar.
fn elsewhere<I>(passes: &'static [Pass<I>], side: &'static str) -> impl Fn(&str) -> Option<String> {
    move |name| find(passes, name).map(|_| format!("`{name}` stands {side} the bar `|`"))
}

/// Parses `name, name(1, 2), ..`; `offset` is the number of characters before `text`.
fn parse_steps<I>(
    passes: &'static [Pass<I>],
    text: &str,
    offset: usize,
    elsewhere: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Step<I>>, PipelineError> {
    let mut steps = Vec::new();
    if text.trim().is_empty() {
        return Ok(steps);
    }
    let mut start = 0;
    let mut depth = 0usize;
    for (at, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 || at == text.len() => {
                let piece = &text[start..at];
                let blanks = piece.len() - piece.trim_start().len();
                let column = offset + text[..start + blanks].chars().count() + 1;
                if steps.len() == MOST_PASSES {
                    let message = format!("more than {MOST_PASSES} passes");
                    return Err(PipelineError::Text { column, message });
                }
                steps.push(parse_step(passes, piece.trim(), column, elsewhere)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(steps)
}

fn parse_step<I>(
    passes: &'static [Pass<I>],
    text: &str,
    column: usize,
    elsewhere: &dyn Fn(&str) -> Option<String>,
) -> Result<Step<I>, PipelineError> {
    let error = |message: String| PipelineError::Text { column, message };
    let (name, given) = match text.split_once('(') {
        None => (text, Vec::new()),
        Some((name, rest)) => {
            let inner = rest.strip_suffix(')').ok_or_else(|| error(format!("`{text}` lacks `)`")))?;
            (name.trim_end(), inner.split(',').map(str::trim).collect())
        }
    };
    if name.is_empty() {
        return Err(error("expected the name of a pass".into()));
    }
    let pass = find(passes, name).ok_or_else(|| {
        error(elsewhere(name).unwrap_or_else(|| {
            let names = passes.iter().map(|pass| pass.name);
            match nearest(name, names.clone()) {
                Some(near) => format!("no pass `{name}` here; did you mean `{near}`?"),
                None => format!("no pass `{name}` here; there are: {}", names.collect::<Vec<_>>().join(", ")),
            }
        }))
    })?;
    if given.len() > pass.params.len() {
        let known: Vec<_> = pass.params.iter().map(|param| param.name).collect();
        return Err(error(format!("`{name}` takes {} arguments: ({})", known.len(), known.join(", "))));
    }
    let mut arguments = Arguments::new();
    for (position, param) in pass.params.iter().enumerate() {
        let value = match given.get(position) {
            None => param.default,
            Some(word) => {
                word.parse().ok().filter(|value| param.choices.contains(value)).ok_or_else(|| {
                    error(format!("`{name}`: {} is one of {:?}, not `{word}`", param.name, param.choices))
                })?
            }
        };
        arguments.push((param.name, value));
    }
    Ok(Step { pass, arguments })
}

/// The candidate that is at most two single-character edits (and fewer than the word is long) away.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= 2 && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl FromStr for Pipeline {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Pipeline, PipelineError> {
        Pipeline::parse(text)
    }
}

impl<I> fmt::Display for Step<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pass.name)?;
        if self.arguments.is_empty() {
            return Ok(());
        }
        let values: Vec<String> = self.arguments.iter().map(|(_, value)| value.to_string()).collect();
        write!(f, "({})", values.join(", "))
    }
}

/// The text that [`Pipeline::parse`] reads back, with every argument written out.
impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.graph.iter().enumerate() {
            write!(f, "{}{step}", if position == 0 { "" } else { ", " })?;
        }
        f.write_str(if self.graph.is_empty() { "|" } else { " |" })?;
        for (position, step) in self.loops.iter().enumerate() {
            write!(f, "{}{step}", if position == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_parse_print_and_contain_the_required_passes() {
        for level in LEVELS {
            let pipeline = Pipeline::parse(level.text).unwrap();
            assert_eq!(Pipeline::parse(&pipeline.to_string()), Ok(pipeline.clone()));
            for required in LOOP_PASSES.iter().filter(|pass| pass.required) {
                assert!(pipeline.loops.iter().any(|step| step.pass.name == required.name), "{}", level.name);
            }
        }
        assert_eq!(Pipeline::level("2"), Pipeline::level("O2"));
        assert!(Pipeline::level("O9").is_none());
    }

    #[test]
    fn arguments_are_checked_and_defaulted() {
        assert_eq!(Pipeline::parse("| unroll").unwrap().to_string(), "| unroll(4)");
        assert_eq!(Pipeline::parse("|unroll( 8 ),fuse").unwrap().to_string(), "| unroll(8), fuse");
    }

    #[test]
    fn the_length_is_limited() {
        let text = |count: usize| format!("| {}", vec!["fuse"; count].join(", "));
        assert_eq!(Pipeline::parse(&text(MOST_PASSES)).map(|pipeline| pipeline.loops.len()), Ok(MOST_PASSES));
        let error = Pipeline::parse(&text(200_000)).unwrap_err().to_string();
        assert!(error.ends_with(": more than 4096 passes"), "{error}");
    }

    #[test]
    fn mistakes_are_explained_with_their_place() {
        let message = |text: &str| Pipeline::parse(text).unwrap_err().to_string();
        assert!(message("| fuse, unrol").contains("column 9: no pass `unrol` here; did you mean `unroll`?"));
        assert!(message("fuse").contains("`fuse` stands after the bar"));
        assert!(message("| unroll(5)").contains("factor is one of [2, 4, 8, 16], not `5`"));
        assert!(message("| unroll(4, 4)").contains("takes 1 arguments"));
        assert!(message("| unroll(4").contains("lacks `)`"));
        assert!(message("| fuse,, fuse").contains("expected the name"));
        assert!(message("| fuse | fuse").contains("column"));
    }
}
