//! The text form of the graph level.
//!
//! ```text
//! graph @rows(n, m, param w = 2*n; %A: f32[i:n, j:m] in [-1.0, 1.0], param %eps: f64 = 0.001) {
//!   %0 = cast %eps : f32[]
//!   %1 S = sum[j] %A : f32[i:n]
//!   %2 = div %1, %0 : f32[i:n]
//!   require 1 <= m "A has no columns" @10..20
//!   return out = %2[i]
//! }
//! ```
//!
//! Nodes are numbered by their position; an input is written as its name and has no line of its own.
//! The tensor of the source that a value is stands between the number and `=`. Reading the text of a
//! graph gives the same text again; it gives the same graph if each input that is used is one node,
//! first of all and in the order of declaration.

use super::{Direction, Graph, Op, Table, ValueId};
use crate::axis::Name;
use std::fmt::{self, Display, Formatter, Write};

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let writer = Writer::new(self);
        f.write_str("graph @")?;
        if super::verify::is_word(&self.name) {
            f.write_str(&self.name)?
        } else {
            write_string(f, &self.name)?
        }
        writer.declarations(f)?;
        for value in self.values() {
            if !matches!(self.node(value).op, Op::Input(_)) {
                writer.node(f, value)?;
            }
        }
        writer.roots(f)?;
        f.write_str("}\n")
    }
}

impl Graph {
    /// A value as its text form calls it: `%Q` for an input, else `%` and a number. Linear in the size
    /// of the graph, for messages.
    pub fn label(&self, value: ValueId) -> impl Display + use<'_> {
        struct Labelled<'a>(&'a Graph, ValueId);
        impl Display for Labelled<'_> {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                Writer::new(self.0).value(f, self.1)
            }
        }
        Labelled(self, value)
    }
}

/// A graph and how its values are called.
struct Writer<'a> {
    graph: &'a Graph,
    labels: Vec<Label<'a>>,
}

#[derive(Clone, Copy)]
enum Label<'a> {
    Input(&'a Name),
    Number(usize),
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph) -> Writer<'a> {
        let mut numbers = 0..;
        let label = |op: &Op| match op {
            Op::Input(position) => graph.inputs.get(*position).map(|input| Label::Input(&input.name)),
            _ => numbers.next().map(Label::Number),
        };
        let mut label = label;
        // An input that does not exist has no name; only graphs that break the contract have one.
        let labels =
            graph.nodes.iter().map(|node| label(&node.op).unwrap_or(Label::Number(usize::MAX))).collect();
        Writer { graph, labels }
    }

    fn value(&self, f: &mut Formatter<'_>, value: ValueId) -> fmt::Result {
        match self.labels.get(value.index()) {
            Some(Label::Input(name)) => write!(f, "%{name}"),
            Some(Label::Number(number)) => write!(f, "%{number}"),
            None => write!(f, "%{}", usize::MAX),
        }
    }

    fn values(&self, f: &mut Formatter<'_>, values: &[ValueId]) -> fmt::Result {
        list(f, values, |f, &value| self.value(f, value))
    }

    fn declarations(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        list(f, &self.graph.symbols, |f, symbol| {
            write!(f, "{}{}", if symbol.param { "param " } else { "" }, symbol.name)?;
            symbol.default.as_ref().map_or(Ok(()), |default| write!(f, " = {default}"))
        })?;
        if !self.graph.symbols.is_empty() && !self.graph.inputs.is_empty() {
            f.write_str("; ")?;
        }
        list(f, &self.graph.inputs, |f, input| {
            let param = if input.param.is_some() { "param " } else { "" };
            write!(f, "{param}%{}: {}", input.name, input.ty)?;
            if let Some((low, high)) = input.range {
                write!(f, " in [{low}, {high}]")?;
            }
            match input.param {
                Some(Some(default)) => write!(f, " = {default}"),
                Some(None) | None => Ok(()),
            }
        })?;
        f.write_str(") {\n")
    }

    fn node(&self, f: &mut Formatter<'_>, value: ValueId) -> fmt::Result {
        let node = self.graph.node(value);
        f.write_str("  ")?;
        self.value(f, value)?;
        if let Some(name) = &node.name {
            write!(f, " {name}")?;
        }
        f.write_str(" = ")?;
        self.operation(f, &node.op)?;
        writeln!(f, " : {}", node.ty)
    }

    fn operation(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::Input(position) => write!(f, "input {position}"),
            Op::Const(literal) => write!(f, "const {literal}"),
            Op::Table(table) => match &**table {
                Table::Dft => f.write_str("dft"),
                Table::Literals(literals) => {
                    f.write_str("table {")?;
                    list(f, literals, |f, literal| write!(f, "{literal}"))?;
                    f.write_str("}")
                }
            },
            Op::Index(axis) => write!(f, "index {axis}"),
            Op::Size(extent) => write!(f, "size {extent}"),
            Op::Map(op, operands) => {
                write!(f, "{op} ")?;
                self.values(f, operands)
            }
            Op::Reduce { op, axes, value } => self.along(f, op.name(), axes, *value),
            Op::Normalise { op, axes, value } => self.along(f, op.name(), axes, *value),
            Op::Access { source, indices, outside } => {
                f.write_str("access ")?;
                self.value(f, *source)?;
                f.write_str("[")?;
                self.values(f, indices)?;
                if let Some(outside) = outside {
                    f.write_str(if indices.is_empty() { "| " } else { " | " })?;
                    self.value(f, *outside)?;
                }
                f.write_str("]")
            }
            Op::Scatter { op, indices, value } => {
                write!(f, "scatter.{op} [")?;
                self.values(f, indices)?;
                f.write_str("] ")?;
                self.value(f, *value)
            }
            Op::State { axis, direction } => {
                let direction = match direction {
                    Direction::Forward => "forward",
                    Direction::Backward => "backward",
                };
                write!(f, "state {axis} {direction}")
            }
            Op::Recur { result, states, nexts } => {
                write!(f, "recur.{result} {{")?;
                let pairs: Vec<_> = states.iter().zip(nexts).collect();
                list(f, &pairs, |f, &(&state, &next)| {
                    self.value(f, state)?;
                    f.write_str(" <- ")?;
                    self.value(f, next)
                })?;
                f.write_str("}")
            }
            Op::Transform { op, axes, value } => {
                write!(f, "{}[", op.name())?;
                list(f, axes, |f, (from, to)| write!(f, "{from} -> {to}"))?;
                f.write_str("] ")?;
                self.value(f, *value)
            }
        }
    }

    fn along(&self, f: &mut Formatter<'_>, name: &str, axes: &[Name], value: ValueId) -> fmt::Result {
        write!(f, "{name}[")?;
        list(f, axes, |f, axis| f.write_str(axis))?;
        f.write_str("] ")?;
        self.value(f, value)
    }

    fn roots(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for requirement in &self.graph.requirements {
            write!(f, "  require {requirement} ")?;
            write_string(f, &requirement.message)?;
            write_span(f, requirement.span)?;
        }
        for check in &self.graph.checks {
            f.write_str("  check ")?;
            self.value(f, check.value)?;
            f.write_str(" ")?;
            write_string(f, &check.message)?;
            write_span(f, check.span)?;
        }
        f.write_str(if self.graph.outputs.is_empty() { "  return" } else { "  return " })?;
        list(f, &self.graph.outputs, |f, output| {
            write!(f, "{} = ", output.name)?;
            self.value(f, output.value)?;
            f.write_str("[")?;
            list(f, &output.axes, |f, axis| f.write_str(axis))?;
            f.write_str("]")
        })?;
        f.write_str("\n")
    }
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn write_span(f: &mut Formatter<'_>, span: Option<(usize, usize)>) -> fmt::Result {
    match span {
        Some((start, end)) => writeln!(f, " @{start}..{end}"),
        None => f.write_str("\n"),
    }
}

/// A text in quotes on one line.
fn write_string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
