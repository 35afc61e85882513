//! What each pass made of each tensor.

use std::collections::BTreeMap;
use std::fmt::Write;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::loops::{BufferId, Func, Stmt};
use tcc_ir::scalar::Literal;
use tcc_passes::{Changed, PassObserver};

/// Programs with more nodes or statements than this have no history: it would take longer than the
/// compilation.
const LARGEST: usize = 4000;

/// Longest text of a form, in bytes.
const LONGEST: usize = 400;

/// One pass of the pipeline.
pub struct Applied {
    /// Its name.
    pub pass: String,
    /// Whether it changed anything.
    pub changed: bool,
    /// Nodes of the graph, or statements and expressions of the loops, after it.
    pub size: usize,
    /// Whether it works on the graph.
    pub on_graph: bool,
}

/// The form of a tensor after a pass that changed it.
pub struct Form {
    /// The pass.
    pub pass: String,
    /// The form: an expression, or loops.
    pub text: String,
}

/// Is told what every pass makes of the program.
#[derive(Default)]
pub struct History {
    /// The passes that ran, in order.
    pub passes: Vec<Applied>,
    /// Expressions of named values, by name.
    pub graph: BTreeMap<String, Vec<Form>>,
    /// Loops that write a buffer, by its name.
    pub loops: BTreeMap<String, Vec<Form>>,
    /// The graph from which loops were made.
    pub lowered: Option<Graph>,
    /// The graphs that `saturate` was given.
    pub saturated: Vec<Graph>,
    /// The graphs that `contraction_order` was given.
    pub ordered: Vec<Graph>,
    /// The loops before functions were replaced by polynomials.
    pub before_math: Option<Func>,
    /// The loops before they were vectorised.
    pub before_vectors: Option<Func>,
    latest: Option<Func>,
}

impl PassObserver for History {
    fn graph(&mut self, pass: &str, position: usize, graph: &Graph, changed: Changed) {
        if position > 0 {
            let changed = changed.is_yes();
            self.passes.push(Applied { pass: pass.into(), changed, size: graph.nodes.len(), on_graph: true });
            match pass {
                "saturate" => self.saturated.extend(self.lowered.clone()),
                "contraction_order" => self.ordered.extend(self.lowered.clone()),
                _ => {}
            }
        }
        if position == 0 || changed.is_yes() {
            if graph.nodes.len() <= LARGEST {
                for (name, text) in expressions(graph) {
                    note(self.graph.entry(name).or_default(), pass, text);
                }
            }
            self.lowered = Some(graph.clone());
        }
    }

    fn loops(&mut self, pass: &str, _: usize, func: &Func, changed: Changed) {
        let changed = changed.is_yes();
        let size = func.body.iter().map(Stmt::size).sum();
        self.passes.push(Applied { pass: pass.into(), changed, size, on_graph: false });
        match pass {
            "expand_math" if self.before_math.is_none() => self.before_math = self.latest.clone(),
            "vectorize" if self.before_vectors.is_none() => self.before_vectors = self.latest.clone(),
            _ => {}
        }
        if changed {
            if func.body.len() <= LARGEST {
                for (name, text) in nests(func) {
                    note(self.loops.entry(name).or_default(), pass, text);
                }
            }
            self.latest = Some(func.clone());
        }
    }
}

impl History {
    /// The passes that changed what computes a tensor, each once, in order.
    pub fn changed(&self, name: &str) -> Vec<String> {
        let mut passes: Vec<String> = Vec::new();
        let forms = [self.graph.get(name), self.loops.get(name)].into_iter().flatten().flatten();
        for form in forms.filter(|form| !matches!(form.pass.as_str(), "input" | "lower")) {
            if !passes.contains(&form.pass) {
                passes.push(form.pass.clone());
            }
        }
        passes
    }
}

fn note(forms: &mut Vec<Form>, pass: &str, text: String) {
    if forms.last().is_none_or(|last| last.text != text) {
        forms.push(Form { pass: pass.into(), text });
    }
}

/// Every named value as an expression in inputs and other named values.
fn expressions(graph: &Graph) -> Vec<(String, String)> {
    let mut named: BTreeMap<ValueId, String> = BTreeMap::new();
    let computed = graph.values().filter(|&value| !matches!(graph.node(value).op, Op::Input(_)));
    for value in computed {
        if let Some(name) = &graph.node(value).name {
            named.insert(value, name.to_string());
        }
    }
    for output in &graph.outputs {
        named.entry(output.value).or_insert_with(|| output.name.to_string());
    }
    let one = |(&value, name): (&ValueId, &String)| {
        let mut text = String::new();
        write_value(graph, &named, value, true, &mut text);
        (name.clone(), text)
    };
    named.iter().map(one).collect()
}

fn write_value(
    graph: &Graph,
    named: &BTreeMap<ValueId, String>,
    value: ValueId,
    root: bool,
    text: &mut String,
) {
    if text.len() > LONGEST {
        if !text.ends_with("..") {
            text.push_str(" ..");
        }
        return;
    }
    if let Some(name) = named.get(&value).filter(|_| !root) {
        text.push_str(name);
        return;
    }
    let node = graph.node(value);
    let list = |axes: &[tcc_ir::Name]| axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    // Writing to a string does not fail.
    let _ = match &node.op {
        Op::Input(position) => match graph.inputs.get(*position) {
            Some(input) => write!(text, "{}", input.name),
            None => Ok(()),
        },
        Op::Const(Literal::Bool(value)) => write!(text, "{value}"),
        Op::Const(Literal::Int(value)) => write!(text, "{value}"),
        Op::Const(Literal::Real(value)) => write!(text, "{value:?}"),
        Op::Const(Literal::Complex(re, im)) => write!(text, "({re:?}, {im:?})"),
        Op::Size(extent) => write!(text, "{extent}"),
        Op::Index(axis) => write!(text, "{axis}"),
        Op::Table(_) => write!(text, "table"),
        Op::Map(op, _) => write!(text, "{op}"),
        Op::Reduce { op, axes, .. } => write!(text, "{op}[{}]", list(axes)),
        Op::Normalise { op, axes, .. } => write!(text, "{}[{}]", op.name(), list(axes)),
        Op::Access { .. } => write!(text, "read"),
        Op::Scatter { op, .. } => write!(text, "scatter {op}"),
        Op::State { axis, .. } => write!(text, "state[{axis}]"),
        Op::Recur { .. } => write!(text, "recur"),
        Op::Transform { op, .. } => write!(text, "{}", op.name()),
    };
    let operands = match &node.op {
        // The states of a recurrence are what it defines.
        Op::Recur { nexts, .. } => nexts.clone(),
        op => op.operands(),
    };
    if operands.is_empty() {
        return;
    }
    text.push('(');
    for (position, operand) in operands.into_iter().enumerate() {
        text.push_str(if position == 0 { "" } else { ", " });
        write_value(graph, named, operand, false, text);
    }
    text.push(')');
}

/// Every buffer that is written with the outermost statements that write it.
fn nests(func: &Func) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for statement in &func.body {
        let mut text = None;
        for name in written(func, statement) {
            let shown = text.get_or_insert_with(|| func.show_nest(statement).to_string());
            all.entry(name).or_default().push_str(shown);
        }
    }
    all
}

/// The names of the tensors that a statement writes, in the order of the text; registers and
/// accumulators are left out unless there is nothing else.
pub fn written(func: &Func, statement: &Stmt) -> Vec<String> {
    let mut ids: Vec<BufferId> = Vec::new();
    let mut visit = |stmt: &Stmt| {
        if let Some(write) = stmt.write()
            && !ids.contains(&write.buffer)
        {
            ids.push(write.buffer);
        }
    };
    statement.walk(&mut visit);
    let names = |wanted: &dyn Fn(BufferId) -> bool| -> Vec<String> {
        ids.iter().filter(|&&id| wanted(id)).map(|&id| func.buffer(id).name.to_string()).collect()
    };
    let tensors = names(&|id| !func.buffer(id).is_register() && !func.buffer(id).name.contains('.'));
    if tensors.is_empty() { names(&|_| true) } else { tensors }
}
