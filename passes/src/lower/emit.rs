//! Writing loop nests: blocks under construction, and the value of a node at a point.

use super::LowerError;
use super::decide::Decisions;
use super::range::Ranges;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tcc_ir::axis::{Axis, Name};
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::loops::{Buffer, BufferId, CheckSite, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::scalar::{Literal, ScalarOp};

/// Where a value is evaluated: the index of each of its axes.
pub(super) type Env = BTreeMap<Name, Expr>;

/// Deepest nesting of blocks; the verifier allows a little more.
const NESTING_LIMIT: usize = 900;

/// Where a stored value is.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub buffer: BufferId,
    /// The axis behind each index of the buffer.
    pub axes: Vec<Name>,
    /// The axis of which only the last steps are kept, and how many.
    pub window: Option<(Name, i64)>,
}

/// What a block belongs to.
enum Frame {
    Function,
    Loop { var: Var, lo: Expr, hi: Expr },
    If { condition: Expr, facts: usize },
}

/// A block under construction.
struct Block {
    frame: Frame,
    stmts: Vec<Stmt>,
    /// Variables and expressions of values computed in this block. Looked up, never iterated.
    known: HashMap<(ValueId, Vec<Expr>), Expr>,
}

/// The function under construction.
pub(super) struct Emitter<'a> {
    pub graph: &'a Graph,
    pub decisions: &'a Decisions,
    pub func: Func,
    pub homes: Vec<Option<Home>>,
    pub ranges: Ranges,
    /// The access that is computed at one fixed step of a loop: the index that stands for the step, and the step.
    pub fixed_step: Option<(ValueId, Expr)>,
    /// The output that keeps each value.
    pub output_of_value: Vec<Option<usize>>,
    /// Whether a value computed in the loop of a recurrence is read after the loop.
    pub escapes: Vec<bool>,
    /// States whose window holds the outside value before the first step, so that reads need no test.
    pub prefilled: Vec<bool>,
    /// Tables of roots of unity by order, direction and dtype.
    pub roots_of_unity: Vec<((Extent, bool, Dtype), BufferId)>,
    blocks: Vec<Block>,
    inputs: Vec<BufferId>,
}

impl<'a> Emitter<'a> {
    /// A function with the symbols, requirements, inputs, outputs and check sites of the graph.
    pub fn new(graph: &'a Graph, decisions: &'a Decisions) -> Emitter<'a> {
        let mut func = Func {
            name: graph.name.clone(),
            symbols: graph.symbols.clone(),
            requirements: graph.requirements.clone(),
            ..Func::default()
        };
        let extents = |axes: &[Axis]| axes.iter().map(|axis| axis.extent.clone()).collect::<Vec<Extent>>();
        let mut inputs = Vec::new();
        for input in &graph.inputs {
            let buffer =
                Buffer::new(input.name.clone(), input.ty.dtype, extents(&input.ty.axes), Role::Input);
            inputs.push(func.add_buffer(buffer));
        }
        for output in &graph.outputs {
            let dtype = graph.ty(output.value).dtype;
            let axes = graph.output_axes(output);
            func.add_buffer(Buffer::new(output.name.clone(), dtype, extents(&axes), Role::Output));
        }
        func.checks = graph
            .checks
            .iter()
            .map(|check| CheckSite { message: check.message.clone(), span: check.span })
            .collect();
        let sizes: BTreeSet<Name> =
            graph.symbols.iter().filter(|symbol| !symbol.param).map(|symbol| symbol.name.clone()).collect();
        let function = Block { frame: Frame::Function, stmts: Vec::new(), known: HashMap::new() };
        Emitter {
            graph,
            decisions,
            func,
            homes: vec![None; graph.nodes.len()],
            ranges: Ranges::new(sizes),
            fixed_step: None,
            output_of_value: vec![None; graph.nodes.len()],
            escapes: escapes(graph, decisions),
            prefilled: vec![false; graph.nodes.len()],
            roots_of_unity: Vec::new(),
            blocks: vec![function],
            inputs,
        }
    }

    /// The buffer of the output with this position.
    pub fn output_buffer(&self, position: usize) -> BufferId {
        BufferId((self.inputs.len() + position) as u32)
    }

    /// The finished function.
    pub fn finish(mut self) -> Result<Func, LowerError> {
        match self.blocks.pop() {
            Some(function) if self.blocks.is_empty() => self.func.body = function.stmts,
            _ => return Err(LowerError::Loops("a block was not closed".into())),
        }
        self.func.compact();
        match self.func.buffers.iter().find(|buffer| !buffer.is_addressable()) {
            Some(large) => Err(LowerError::TooLarge(large.name.clone())),
            None => Ok(self.func),
        }
    }

    // Blocks.

    /// Appends a statement to the innermost block.
    pub fn push(&mut self, stmt: Stmt) {
        if let Some(block) = self.blocks.last_mut() {
            block.stmts.push(stmt);
        }
    }

    /// Whether statements are appended to the function itself, in no loop.
    pub fn at_top(&self) -> bool {
        self.blocks.len() == 1
    }

    fn open(&mut self, frame: Frame) -> Result<(), LowerError> {
        if self.blocks.len() >= NESTING_LIMIT {
            return Err(LowerError::Loops(format!("loops are nested more than {NESTING_LIMIT} deep")));
        }
        self.blocks.push(Block { frame, stmts: Vec::new(), known: HashMap::new() });
        Ok(())
    }

    /// Opens a loop over the largest of `lows` to the smallest of `highs`.
    pub fn open_loop(&mut self, name: &str, lows: &[Expr], highs: &[Expr]) -> Result<Expr, LowerError> {
        let var = self.func.add_var(name, Dtype::I64);
        let lo = self.tightest(lows, Expr::max, |ranges, a, b| ranges.proves_le(b, a));
        let hi = self.tightest(highs, Expr::min, |ranges, a, b| ranges.proves_le(a, b));
        self.ranges.loop_variable(var, lows, highs);
        self.open(Frame::Loop { var, lo, hi })?;
        Ok(Expr::Var(var))
    }

    /// Combines bounds, leaving out those that another one implies.
    fn tightest(
        &self,
        bounds: &[Expr],
        combine: fn(Expr, Expr) -> Expr,
        implies: fn(&Ranges, &Expr, &Expr) -> bool,
    ) -> Expr {
        let mut kept: Vec<Expr> = Vec::new();
        for bound in bounds {
            if kept.iter().any(|other| implies(&self.ranges, other, bound)) {
                continue;
            }
            kept.retain(|other| !implies(&self.ranges, bound, other));
            kept.push(bound.clone());
        }
        kept.into_iter().reduce(combine).unwrap_or_else(|| Expr::int(0))
    }

    /// Opens a loop over a whole axis; returns its counter.
    pub fn open_axis(&mut self, axis: &Axis) -> Result<Expr, LowerError> {
        self.open_loop(&axis.name, &[Expr::int(0)], &[Expr::from_extent(&axis.extent)])
    }

    /// Opens loops over axes and enters their counters in `env`.
    pub fn open_axes(&mut self, axes: &[Axis], env: &mut Env) -> Result<usize, LowerError> {
        for axis in axes {
            let counter = self.open_axis(axis)?;
            env.insert(axis.name.clone(), counter);
        }
        Ok(axes.len())
    }

    /// Opens a block that runs if the condition holds; returns how many blocks that took (none if it
    /// always holds).
    pub fn open_if(&mut self, condition: Expr) -> Result<usize, LowerError> {
        if condition.as_bool() == Some(true) {
            return Ok(0);
        }
        let facts = self.ranges.assume(&condition);
        self.open(Frame::If { condition, facts })?;
        Ok(1)
    }

    /// Closes the innermost `count` blocks.
    pub fn close(&mut self, count: usize) {
        for _ in 0..count {
            let Some(block) = self.blocks.pop() else { return };
            match block.frame {
                Frame::Function => self.blocks.push(block),
                Frame::Loop { var, lo, hi } => {
                    self.push(Stmt::For(For { var, lo, hi, kind: LoopKind::Serial, body: block.stmts }));
                }
                Frame::If { condition, facts } => {
                    self.ranges.forget(facts);
                    self.push(Stmt::If(condition, block.stmts, Vec::new()));
                }
            }
        }
    }

    /// Names a value in the innermost block. Variables, numbers and symbols stay as they are.
    pub fn bind(&mut self, name: &str, value: Expr) -> Expr {
        if matches!(value, Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_)) {
            return value;
        }
        let var = self.func.add_var(name, self.func.dtype(&value));
        if self.func.dtype(&value) == Dtype::I64 {
            self.ranges.definition(var, &value);
        }
        self.push(Stmt::Let(var, value));
        Expr::Var(var)
    }

    // Buffers.

    /// A new scratch buffer.
    pub fn scratch(&mut self, name: &str, dtype: Dtype, extents: Vec<Extent>) -> BufferId {
        self.func.add_buffer(Buffer::new(name, dtype, extents, Role::Scratch { offset: None }))
    }

    /// A new register holding `value`.
    pub fn register(&mut self, name: &str, dtype: Dtype, value: Expr) -> BufferId {
        let register = self.scratch(name, dtype, Vec::new());
        self.push(Stmt::Store(register, Vec::new(), value));
        register
    }

    /// What a value is called: its name in the source, or that of its operation.
    pub fn name(&self, value: ValueId) -> Name {
        let node = self.graph.node(value);
        node.name.clone().unwrap_or_else(|| match &node.op {
            Op::Map(op, _) => op.row().name.into(),
            Op::Reduce { op, .. } => op.name().into(),
            Op::Input(_) => "input".into(),
            Op::Const(_) => "number".into(),
            Op::Table(_) => "table".into(),
            Op::Index(name) => name.clone(),
            Op::Size(_) => "size".into(),
            Op::Access { .. } => "read".into(),
            Op::Scatter { .. } => "scatter".into(),
            Op::Normalise { .. } => "row".into(),
            Op::State { .. } | Op::Recur { .. } => "state".into(),
            Op::Transform { .. } => "transform".into(),
        })
    }

    /// The axes of a value with these names, in this order.
    pub fn axes(&self, value: ValueId, names: &[Name]) -> Vec<Axis> {
        let ty = self.graph.ty(value);
        names.iter().filter_map(|name| ty.axis(name).cloned()).collect()
    }

    /// The indices at which a stored value stands in its buffer.
    pub fn place(&self, home: &Home, env: &Env) -> Result<Vec<Expr>, LowerError> {
        home.axes
            .iter()
            .map(|axis| {
                let index = env.get(axis).cloned();
                let index =
                    index.ok_or_else(|| LowerError::Loops(format!("axis `{axis}` has no index here")))?;
                Ok(match &home.window {
                    Some((stepped, length)) if stepped == axis => Expr::modulo(index, Expr::int(*length)),
                    _ => index,
                })
            })
            .collect()
    }

    /// Gives operands of the caller and tables their buffers.
    fn natural_home(&mut self, value: ValueId) -> Option<Home> {
        let node = self.graph.node(value);
        let axes: Vec<Name> = node.ty.axes.iter().map(|axis| axis.name.clone()).collect();
        let buffer = match &node.op {
            Op::Input(position) => *self.inputs.get(*position)?,
            Op::Table(table) => {
                let extents = node.ty.axes.iter().map(|axis| axis.extent.clone()).collect();
                let name = self.name(value);
                self.func.add_buffer(Buffer::new(name, node.ty.dtype, extents, Role::Table(table.clone())))
            }
            _ => return None,
        };
        Some(Home { buffer, axes, window: None })
    }

    // Values.

    /// The value of a node at the point `env`.
    pub fn value(&mut self, value: ValueId, env: &Env) -> Result<Expr, LowerError> {
        if self.homes[value.index()].is_none() {
            self.homes[value.index()] = self.natural_home(value);
        }
        if let Some(home) = &self.homes[value.index()] {
            let place = self.place(home, env)?;
            return Ok(Expr::Load(home.buffer, place));
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Const(literal) => return Ok(Expr::Const(*literal, node.ty.dtype)),
            Op::Size(extent) => return Ok(Expr::from_extent(extent)),
            Op::Index(name) => return self.index(name, env),
            _ => {}
        }
        if !self.decisions.shared[value.index()] {
            return self.compute(value, env);
        }
        let point = node.ty.axes.iter().map(|axis| env.get(&axis.name).cloned());
        let Some(point) = point.collect::<Option<Vec<Expr>>>() else { return self.compute(value, env) };
        let key = (value, point);
        if let Some(known) = self.blocks.iter().rev().find_map(|block| block.known.get(&key)) {
            return Ok(known.clone());
        }
        let computed = self.compute(value, env)?;
        let name = self.name(value);
        let bound = self.bind(&name, computed);
        if let Some(block) = self.blocks.last_mut() {
            block.known.insert(key, bound.clone());
        }
        Ok(bound)
    }

    fn index(&self, name: &Name, env: &Env) -> Result<Expr, LowerError> {
        env.get(name).cloned().ok_or_else(|| LowerError::Loops(format!("axis `{name}` has no index here")))
    }

    /// The value of a node at a point, from its operation even if it is stored.
    pub fn compute(&mut self, value: ValueId, env: &Env) -> Result<Expr, LowerError> {
        let node = self.graph.node(value);
        match &node.op {
            Op::Map(op, operands) => {
                let operands =
                    operands.iter().map(|&operand| self.value(operand, env)).collect::<Result<_, _>>()?;
                Ok(scalar(*op, node.ty.dtype, operands, &self.func))
            }
            Op::Access { source, indices, outside } => self.access(value, *source, indices, *outside, env),
            Op::Reduce { op, axes, value: operand } => self.reduce(value, *op, axes, *operand, env),
            Op::Normalise { axes, value: operand, .. } => self.logsumexp(value, axes, *operand, env),
            Op::Input(_)
            | Op::Const(_)
            | Op::Table(_)
            | Op::Index(_)
            | Op::Size(_)
            | Op::Scatter { .. }
            | Op::State { .. }
            | Op::Recur { .. }
            | Op::Transform { .. } => self.value(value, env),
        }
    }
}

/// A scalar operation, with constants of index arithmetic and conditions folded.
pub(super) fn scalar(op: ScalarOp, dtype: Dtype, mut operands: Vec<Expr>, func: &Func) -> Expr {
    let of_integers = operands.first().is_some_and(|operand| func.dtype(operand) == Dtype::I64);
    if let (ScalarOp::Select, [condition, _, _]) = (op, operands.as_slice()) {
        match condition.as_bool() {
            Some(true) => return operands.swap_remove(1),
            Some(false) => return operands.swap_remove(2),
            None => {}
        }
    }
    if let [a, b] = operands.as_slice() {
        let build: Option<fn(Expr, Expr) -> Expr> = match op {
            ScalarOp::Add => Some(Expr::add),
            ScalarOp::Sub => Some(Expr::sub),
            ScalarOp::Mul => Some(Expr::mul),
            ScalarOp::Min => Some(Expr::min),
            ScalarOp::Max => Some(Expr::max),
            ScalarOp::FloorDiv => Some(Expr::floordiv),
            ScalarOp::Mod => Some(Expr::modulo),
            ScalarOp::Lt => Some(Expr::lt),
            ScalarOp::Le => Some(Expr::le),
            ScalarOp::Eq => Some(Expr::eq),
            _ => None,
        };
        match (op, build) {
            (ScalarOp::And, _) => return Expr::and(a.clone(), b.clone()),
            (ScalarOp::Or, _) => return Expr::or(a.clone(), b.clone()),
            (_, Some(build)) if of_integers => return build(a.clone(), b.clone()),
            _ => {}
        }
    }
    match (op, operands.as_slice()) {
        (ScalarOp::Not, [a]) => Expr::negate(a.clone()),
        (ScalarOp::Cast, [a]) if func.dtype(a) == dtype => operands.swap_remove(0),
        _ => Expr::Op(op, dtype, operands),
    }
}

/// The identity of a reduction as a constant.
pub(super) fn identity(op: tcc_ir::ReduceOp, dtype: Dtype) -> Expr {
    Expr::Const(Literal::identity(op, dtype), dtype)
}

/// For every value whether something outside the recurrence that computes it reads it.
fn escapes(graph: &Graph, decisions: &Decisions) -> Vec<bool> {
    let mut escapes = vec![false; graph.nodes.len()];
    for root in graph.outputs.iter().map(|o| o.value).chain(graph.checks.iter().map(|c| c.value)) {
        escapes[root.index()] = true;
    }
    let recurrences = &decisions.recurrences;
    for user in graph.values().filter(|v| decisions.live[v.index()]) {
        for operand in graph.node(user).op.operands() {
            let is_definition =
                matches!(graph.node(user).op, Op::Recur { .. }) && recurrences.in_body[operand.index()];
            if recurrences.group_of(operand) != recurrences.group_of(user) && !is_definition {
                escapes[operand.index()] = true;
            }
        }
    }
    escapes
}
