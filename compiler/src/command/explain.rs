//! `tcc explain`: what a program costs, or what a message means.

use super::cost::Cost;
use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use super::table::table;
use crate::operand::bind::Missing;
use crate::operand::size;
use serde_json::{Value, json};
use tcc_frontend::diagnostic::{CODES, Code, nearest};
use tcc_ir::loops::{Func, Role};
use tcc_ir::{Bindings, Extent};
use tcc_passes::Quiet;

/// Explain what a program costs (sizes, buffers, working memory, operations), or a code such as E0203
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Choose the sizes that are not given
    #[arg(long)]
    demo: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    if let Some(word) = arguments.program.only_word().filter(|word| looks_like_code(word)) {
        return explain_code(session, word);
    }
    let missing = if arguments.demo { Missing::MakeUp } else { Missing::Open };
    let (loaded, bound) = arguments.program.bind(session, missing)?;
    let bindings = bound.bindings;
    let func = loaded
        .compiler
        .lower(&loaded.program.graph, &bindings, &mut Quiet)
        .map_err(|error| about(error, &loaded.source))?;
    let cost = Cost::of(&func, &bindings);
    if session.json() {
        let sizes: serde_json::Map<String, Value> =
            bindings.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        let arena = func.arena.as_ref().and_then(|arena| arena.eval(&bindings).ok());
        session.out_json(&json!({
            "schema": "tcc.explain/1", "file": loaded.source.name, "sizes": sizes,
            "buffers": buffers_json(&func, &bindings), "arena_bytes": arena,
            "flops": cost.as_ref().map(|c| c.flops), "bytes": cost.as_ref().map(|c| c.bytes),
        }));
        return Ok(Exit::Fine);
    }
    session.out(&report(&func, &bindings, cost.as_ref()));
    if cost.is_none() {
        session.hint("give sizes (n=64 ..), or --demo, to count operations");
    }
    Ok(Exit::Fine)
}

fn looks_like_code(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| "EWew".contains(c)) && word.len() == 5 && chars.all(|c| c.is_ascii_digit())
}

fn explain_code(session: &Session, word: &str) -> Result<Exit, Failure> {
    let Some(row) = Code::from_id(word).map(Code::info) else {
        let near = nearest(&word.to_ascii_uppercase(), CODES.iter().map(|row| row.id)).map(str::to_owned);
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(Failure::Usage(format!("no message has the code {word}{near}")));
    };
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.explain-code/1", "code": row.id, "title": row.title,
            "explanation": row.explanation, "wrong": row.wrong, "right": row.right,
        }));
    } else {
        let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        session.out(&format!(
            "{}: {}\n\n{}\n\nwrong\n{}\nright\n{}",
            row.id,
            row.title,
            row.explanation,
            indent(row.wrong),
            indent(row.right)
        ));
    }
    Ok(Exit::Fine)
}

fn role(role: &Role) -> &'static str {
    match role {
        Role::Input => "input",
        Role::Output => "output",
        Role::Scratch { .. } => "scratch",
        Role::Table(_) => "table",
    }
}

fn bytes(extent: Extent, bindings: &Bindings) -> String {
    match extent.eval(bindings) {
        Ok(bytes) => size(u64::try_from(bytes).unwrap_or_default()),
        Err(_) => format!("{extent} B"),
    }
}

/// A size as JSON: a number, or an expression as text.
pub fn extent_json(extent: &Extent) -> Value {
    extent.as_const().map_or_else(|| json!(extent.to_string()), |size| json!(size))
}

fn report(func: &Func, bindings: &Bindings, cost: Option<&Cost>) -> String {
    let mut text = format!("program    {}\n", func.name);
    if !bindings.is_empty() {
        let sizes: Vec<String> = bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.push_str(&format!("sizes      {}\n", sizes.join(" ")));
    }
    let registers = func.buffers.iter().filter(|buffer| buffer.is_register()).count();
    let rows: Vec<[String; 4]> = func
        .buffers
        .iter()
        .filter(|buffer| !buffer.is_register())
        .map(|buffer| {
            let extents: Vec<String> = buffer.extents.iter().map(Extent::to_string).collect();
            let width = Extent::from(buffer.dtype.size_bytes() as i64);
            let total = bytes(buffer.elements() * width, bindings);
            [
                buffer.name.to_string(),
                role(&buffer.role).into(),
                format!("{}[{}]", buffer.dtype, extents.join(", ")),
                total,
            ]
        })
        .collect();
    text.push_str(&table(["buffer", "role", "type", "size"], &rows));
    text.push_str(&format!("registers  {registers} scratch numbers live in registers\n"));
    if let Some(arena) = &func.arena {
        text.push_str(&format!("arena      {}\n", bytes(arena.clone(), bindings)));
    }
    if let Some(cost) = cost {
        let approximate = if cost.exact { "" } else { "about " };
        text.push_str(&format!("flops      {approximate}{:.4e}\n", cost.flops));
        text.push_str(&format!("accesses   {approximate}{:.4e} bytes loaded and stored\n", cost.bytes));
    }
    text
}

fn buffers_json(func: &Func, bindings: &Bindings) -> Vec<Value> {
    func.buffers
        .iter()
        .filter(|buffer| !buffer.is_register())
        .map(|buffer| {
            let extents: Vec<Value> = buffer.extents.iter().map(extent_json).collect();
            let total = buffer.elements() * Extent::from(buffer.dtype.size_bytes() as i64);
            json!({
                "name": &*buffer.name, "role": role(&buffer.role), "dtype": buffer.dtype.name(),
                "extents": extents, "bytes": total.eval(bindings).ok(),
            })
        })
        .collect()
}
