//! `tcc graph`: a program as a picture.

use super::layout::layered;
use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use super::svg::{Anchor, Svg};
use crate::operand::bind::Missing;
use crate::operand::write::Files;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::loops::{Func, Stmt};
use tcc_ir::scalar::Literal;
use tcc_passes::Quiet;

/// Longest line in a box, in characters.
const LINE: usize = 44;

/// Draw the graph of a program, or its loops
#[derive(clap::Args)]
#[command(after_help = "\
  tcc graph attention.ein -o attention.svg
  tcc graph attention.ein n=64 --opt --dot | dot -Tpdf > attention.pdf
  tcc graph attention.ein n=64 --loops -o loops.svg

A box is a value with its type, an arrow leads to what uses it; numbers and indices stand inside of the boxes.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// A picture as SVG (the default)
    #[arg(long, conflicts_with = "dot", help_heading = "Picture")]
    svg: bool,
    /// The text that Graphviz's `dot` reads
    #[arg(long, help_heading = "Picture")]
    dot: bool,
    /// After the graph passes
    #[arg(long, conflicts_with = "loops", help_heading = "Picture")]
    opt: bool,
    /// The loops that are compiled
    #[arg(long, help_heading = "Picture")]
    loops: bool,
    /// Most boxes; 0: all
    #[arg(long, value_name = "BOXES", default_value_t = 200, help_heading = "Picture")]
    limit: usize,
    /// The file to write; otherwise standard output
    #[arg(short = 'o', value_name = "FILE", help_heading = "Picture")]
    output: Option<PathBuf>,
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
    Reduction,
    Other,
    Loop,
    Statement,
}

impl Kind {
    /// Colours of the inside and the border.
    fn colors(self) -> (&'static str, &'static str) {
        match self {
            Kind::Input => ("#e8f1fb", "#4a7fb5"),
            Kind::Output => ("#e9f6e9", "#4b8f4b"),
            Kind::Reduction => ("#fdf0dd", "#c4882b"),
            Kind::Loop => ("#f1ebf8", "#7d5ba6"),
            Kind::Other | Kind::Statement => ("#f7f7f7", "#888888"),
        }
    }
}

/// A box.
struct Node {
    lines: Vec<String>,
    kind: Kind,
}

/// Boxes and arrows; arrows lead from smaller to larger numbers.
struct Picture {
    title: String,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
    /// Whether boxes stand in the order of their numbers.
    ordered: bool,
    /// What is not shown.
    note: Option<String>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::Open)?;
    let failed = |error| about(error, &loaded.source);
    let (compiler, bindings) = (&loaded.compiler, &bound.bindings);
    let mut graph = loaded.program.graph.clone();
    let context = compiler.context(bindings);
    tcc_passes::graph::specialise::run(&mut graph, &context);
    let mut picture = if arguments.loops {
        let func = compiler.lower(&graph, bindings, &mut Quiet).map_err(failed)?;
        of_loops(&func)
    } else {
        if arguments.opt {
            let passes = compiler.passes().run_graph(&mut graph, &context, &mut Quiet);
            passes.map_err(|error| failed(error.into()))?;
        }
        of_graph(&graph)
    };
    picture.cut(arguments.limit);
    let text = if arguments.dot { picture.dot() } else { picture.svg() };
    if let Some(note) = &picture.note {
        session.note(note);
    }
    if let Some(path) = &arguments.output {
        let mut files = Files::new();
        files.add(path, |file| file.write_all(text.as_bytes()))?;
        files.commit()?;
    }
    let written = arguments.output.as_ref().map(|path| path.display().to_string());
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.graph/1", "file": loaded.source.name, "written": written,
            "format": if arguments.dot { "dot" } else { "svg" }, "boxes": picture.nodes.len(),
            "arrows": picture.edges.len(), "note": picture.note,
            "text": if written.is_none() { Some(&text) } else { None },
        }));
        return Ok(Exit::Fine);
    }
    match written {
        Some(path) => session.out(&format!("{} boxes -> {path}\n", picture.nodes.len())),
        None => session.out(&text),
    }
    Ok(Exit::Fine)
}

/// A graph; numbers, sizes and indices stand in the boxes that use them.
fn of_graph(graph: &Graph) -> Picture {
    let inside = insides(graph);
    let mut places: BTreeMap<ValueId, usize> = BTreeMap::new();
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for value in graph.values().filter(|value| !inside.contains_key(value)) {
        let node = graph.node(value);
        let place = nodes.len();
        let outputs: Vec<String> =
            graph.outputs.iter().filter(|o| o.value == value).map(|o| o.name.to_string()).collect();
        let kind = match (&node.op, outputs.is_empty()) {
            (_, false) => Kind::Output,
            (Op::Input(_), _) => Kind::Input,
            (Op::Reduce { .. } | Op::Normalise { .. } | Op::Scatter { .. }, _) => Kind::Reduction,
            _ => Kind::Other,
        };
        let mut head = operation(graph, value, &inside);
        let name = node.name.as_ref().map(ToString::to_string).or_else(|| outputs.first().cloned());
        if let Some(name) = name.filter(|_| !matches!(node.op, Op::Input(_))) {
            head = format!("{name} = {head}");
        }
        let axes: Vec<String> =
            node.ty.axes.iter().map(|axis| format!("{}:{}", axis.name, axis.extent)).collect();
        nodes.push(Node { lines: vec![head, format!("{}[{}]", node.ty.dtype, axes.join(", "))], kind });
        places.insert(value, place);
        // A state stands before what defines it: nothing points back to it.
        let operands = match &node.op {
            Op::Recur { nexts, .. } => nexts.clone(),
            op => op.operands(),
        };
        for from in operands.iter().filter_map(|operand| places.get(operand)) {
            if !edges.contains(&(*from, place)) || edges.len() > 2000 {
                edges.push((*from, place));
            }
        }
    }
    Picture { title: graph.name.clone(), nodes, edges, ordered: false, note: None }
}

/// Values that stand inside of the boxes that use them, as text: numbers, sizes, indices, and short
/// arithmetic on these.
fn insides(graph: &Graph) -> BTreeMap<ValueId, String> {
    const LONGEST: usize = 20;
    let mut inside: BTreeMap<ValueId, String> = BTreeMap::new();
    for value in graph.values() {
        let node = graph.node(value);
        if node.name.is_some() || graph.outputs.iter().any(|output| output.value == value) {
            continue;
        }
        let text = match &node.op {
            Op::Const(literal) => Some(number(*literal)),
            Op::Size(extent) => Some(extent.to_string()),
            Op::Index(axis) => Some(axis.to_string()),
            Op::Map(op, operands) => {
                let operands: Option<Vec<&str>> =
                    operands.iter().map(|operand| inside.get(operand).map(String::as_str)).collect();
                operands.map(|operands| format!("{op}({})", operands.join(", ")))
            }
            _ => None,
        };
        if let Some(text) = text.filter(|text| text.len() <= LONGEST || node.op.operands().is_empty()) {
            inside.insert(value, text);
        }
    }
    inside
}

/// An operation with what stands inside of its box; `_` is an operand with a box of its own.
fn operation(graph: &Graph, value: ValueId, inside: &BTreeMap<ValueId, String>) -> String {
    let list = |axes: &[tcc_ir::Name]| axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let inner = |value: &ValueId| inside.get(value).map_or("_", String::as_str);
    let all = |values: &[ValueId]| values.iter().map(inner).collect::<Vec<_>>().join(", ");
    match &graph.node(value).op {
        Op::Input(position) => graph.inputs.get(*position).map_or("?".into(), |input| input.name.to_string()),
        Op::Const(literal) => number(*literal),
        Op::Size(extent) => extent.to_string(),
        Op::Index(axis) => axis.to_string(),
        Op::Table(_) => "table".into(),
        Op::Map(op, operands) if operands.iter().all(|operand| inner(operand) == "_") => op.to_string(),
        Op::Map(op, operands) => format!("{op}({})", all(operands)),
        Op::Reduce { op, axes, .. } => format!("{op}[{}]", list(axes)),
        Op::Normalise { op, axes, .. } => format!("{}[{}]", op.name(), list(axes)),
        Op::Access { indices, .. } => format!("read[{}]", all(indices)),
        Op::Scatter { op, indices, .. } => format!("scatter {op}[{}]", all(indices)),
        Op::State { axis, .. } => format!("state[{axis}]"),
        Op::Recur { .. } => "recurrence".into(),
        Op::Transform { op, axes, .. } => {
            let axes: Vec<String> = axes.iter().map(|(from, to)| format!("{from}->{to}")).collect();
            format!("{}[{}]", op.name(), axes.join(","))
        }
    }
}

fn number(literal: Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Real(value) => format!("{value:?}"),
        Literal::Complex(re, im) => format!("({re:?}, {im:?})"),
    }
}

/// Loops as a tree: a box for each loop, and one for the statements that stand in a row.
fn of_loops(func: &Func) -> Picture {
    fn block(func: &Func, body: &[Stmt], parent: usize, picture: &mut Picture) {
        let mut row: Vec<String> = Vec::new();
        let flush = |row: &mut Vec<String>, picture: &mut Picture| {
            if !row.is_empty() {
                picture.edges.push((parent, picture.nodes.len()));
                picture.nodes.push(Node { lines: std::mem::take(row), kind: Kind::Statement });
            }
        };
        for stmt in body {
            if stmt.blocks().is_empty() {
                row.push(func.show_stmt(stmt).to_string());
                continue;
            }
            flush(&mut row, picture);
            let place = picture.nodes.len();
            picture.edges.push((parent, place));
            picture.nodes.push(Node { lines: vec![func.show_stmt(stmt).to_string()], kind: Kind::Loop });
            for nested in stmt.blocks() {
                block(func, nested, place, picture);
            }
        }
        flush(&mut row, picture);
    }
    let root = Node { lines: vec![func.name.clone()], kind: Kind::Output };
    let (title, nodes) = (func.name.clone(), vec![root]);
    let mut picture = Picture { title, nodes, edges: Vec::new(), ordered: true, note: None };
    block(func, &func.body, 0, &mut picture);
    picture
}

impl Picture {
    /// Keeps the first `limit` boxes (0: all), and says so.
    fn cut(&mut self, limit: usize) {
        let all = self.nodes.len();
        if limit == 0 || all <= limit {
            return;
        }
        self.nodes.truncate(limit);
        self.edges.retain(|&(_, to)| to < limit);
        self.note = Some(format!("showing {limit} of {all} boxes; --limit 0 shows all"));
    }

    fn dot(&self) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
        let mut text = format!("digraph \"{}\" {{\n", quoted(&self.title));
        text.push_str(
            "  node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", fontsize=11];\n",
        );
        if let Some(note) = &self.note {
            let _ = writeln!(text, "  label=\"{}\";", quoted(note));
        }
        for (number, node) in self.nodes.iter().enumerate() {
            let lines: Vec<String> = node.lines.iter().map(|line| quoted(line)).collect();
            let (fill, border) = node.kind.colors();
            let label = lines.join("\\n");
            let _ =
                writeln!(text, "  n{number} [label=\"{label}\", fillcolor=\"{fill}\", color=\"{border}\"];");
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  n{from} -> n{to};");
        }
        text + "}\n"
    }

    fn svg(&self) -> String {
        const LETTER: f64 = 7.0;
        const HEIGHT: f64 = 16.0;
        let lines: Vec<Vec<String>> =
            self.nodes.iter().map(|node| node.lines.iter().map(|line| short(line)).collect()).collect();
        let size = |lines: &Vec<String>| {
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
            ((longest as f64 * LETTER + 18.0).max(60.0), lines.len() as f64 * HEIGHT + 12.0)
        };
        let sizes: Vec<(f64, f64)> = lines.iter().map(size).collect();
        let layout = layered(&sizes, &self.edges, self.ordered);
        let (top, foot) = (34.0, if self.note.is_some() { 24.0 } else { 0.0 });
        let least = self.title.chars().count() as f64 * 10.0 + 40.0;
        let width = layout.width.max(least).max(if self.note.is_some() { 420.0 } else { 0.0 });
        let aside = (width - layout.width) / 2.0;
        let mut svg = Svg::new(width, layout.height + top + foot);
        let moved = |(x, y): (f64, f64)| (x + aside, y + top);
        svg.text((width / 2.0, 24.0), Anchor::Middle, 16.0, &self.title, "font-weight=\"bold\"");
        for points in &layout.edges {
            let points: Vec<(f64, f64)> = points.iter().map(|&point| moved(point)).collect();
            svg.curve(&points, "stroke=\"#555\" stroke-width=\"1.2\" marker-end=\"url(#arrow)\"");
        }
        for (((node, lines), size), centre) in self.nodes.iter().zip(&lines).zip(&sizes).zip(&layout.nodes) {
            let (x, y) = moved(*centre);
            let (fill, border) = node.kind.colors();
            let corner = (x - size.0 / 2.0, y - size.1 / 2.0);
            svg.rect(corner, *size, &format!("fill=\"{fill}\" stroke=\"{border}\""));
            for (number, line) in lines.iter().enumerate() {
                let base = corner.1 + 6.0 + (number as f64 + 0.75) * HEIGHT;
                let weight = if number == 0 && node.kind != Kind::Statement { "#000" } else { "#444" };
                let style = format!("fill=\"{weight}\" font-family=\"DejaVu Sans Mono, monospace\"");
                match node.kind {
                    Kind::Statement => svg.text((corner.0 + 9.0, base), Anchor::Start, 11.0, line, &style),
                    _ => svg.text((x, base), Anchor::Middle, 11.0, line, &style),
                }
            }
        }
        if let Some(note) = &self.note {
            let at = (width / 2.0, layout.height + top + foot - 8.0);
            svg.text(at, Anchor::Middle, 12.0, note, "fill=\"#c1121f\"");
        }
        svg.finish(&self.title)
    }
}

/// A line that fits in a box.
fn short(line: &str) -> String {
    if line.chars().count() <= LINE {
        return line.to_owned();
    }
    line.chars().take(LINE - 2).chain("..".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_pictures_are_cut_and_say_so() {
        let node = |n: usize| Node { lines: vec![format!("n{n}")], kind: Kind::Other };
        let edges = (1..10).map(|n| (n - 1, n)).collect();
        let mut picture = Picture {
            title: "t".into(),
            nodes: (0..10).map(node).collect(),
            edges,
            ordered: false,
            note: None,
        };
        picture.cut(4);
        assert_eq!((picture.nodes.len(), picture.edges.len()), (4, 3));
        let note = "showing 4 of 10 boxes; --limit 0 shows all";
        assert!(picture.dot().contains(note) && picture.svg().contains(note));
    }

    #[test]
    fn names_cannot_end_their_quotes() {
        let node = Node { lines: vec!["a\"b\\".into()], kind: Kind::Other };
        let picture =
            Picture { title: "t".into(), nodes: vec![node], edges: Vec::new(), ordered: false, note: None };
        assert!(picture.dot().contains(r#"label="a\"b\\""#));
    }
}
