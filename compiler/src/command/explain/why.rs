//! How one tensor got its form.

use super::gather::Explained;
use super::history::written;
use crate::command::session::Failure;
use crate::command::table::table;
use serde_json::{Value, json};
use tcc_frontend::diagnostic::nearest;
use tcc_ir::loops::Stmt;
use tcc_passes::loops::vectorize;
use tcc_passes::{GRAPH_PASSES, LOOP_PASSES, Pass};

/// The history of one tensor.
pub struct Why {
    name: String,
    /// Passes and the expressions that they made.
    expressions: Vec<(String, String)>,
    /// Passes that changed its loops.
    passes: Vec<String>,
    /// The loops that are compiled; empty if it is not stored.
    loops: String,
    /// Where it is computed, if it is not stored.
    inside: Vec<String>,
    /// What was not applied, and why.
    not_applied: Vec<(String, String)>,
}

/// Finds out about a tensor.
///
/// # Errors
/// The program has no such tensor.
pub fn find(explained: &Explained, name: &str) -> Result<Why, Failure> {
    let history = &explained.history;
    if history.graph.is_empty() {
        return Err(Failure::Usage("the program is too large: its history is not kept".into()));
    }
    let known = history.graph.keys().chain(history.loops.keys()).map(String::as_str);
    if !known.clone().any(|known| known == name) {
        let near = nearest(name, known.clone());
        return Err(Failure::Usage(match near {
            Some(near) => format!("no tensor `{name}` is computed; did you mean `{near}`?"),
            None => {
                let mut names: Vec<&str> = history.graph.keys().map(String::as_str).collect();
                names.truncate(20);
                format!("no tensor `{name}` is computed; there are {}", names.join(", "))
            }
        }));
    }
    let forms = history.graph.get(name).into_iter().flatten();
    let expressions = forms.map(|form| (form.pass.clone(), form.text.clone())).collect();
    let graph_passes: Vec<&str> = GRAPH_PASSES.iter().map(|pass| pass.name).collect();
    let passes =
        history.changed(name).into_iter().filter(|pass| !graph_passes.contains(&pass.as_str())).collect();
    let func = &explained.func;
    let statements: Vec<&Stmt> =
        func.body.iter().filter(|stmt| written(func, stmt).iter().any(|known| known == name)).collect();
    let loops = statements.iter().map(|stmt| func.show_nest(stmt).to_string());
    Ok(Why {
        name: name.into(),
        expressions,
        passes,
        loops: loops.collect(),
        inside: if statements.is_empty() { users(explained, name) } else { Vec::new() },
        not_applied: not_applied(explained, name),
    })
}

/// The stored tensors whose expressions mention one that is not.
fn users(explained: &Explained, name: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mentions = |text: &str| text.split(|c| !is_word(c)).any(|word| word == name);
    let forms = explained.history.graph.iter();
    forms
        .filter(|(user, forms)| *user != name && forms.last().is_some_and(|form| mentions(&form.text)))
        .map(|(user, _)| user.clone())
        .collect()
}

/// The passes that did nothing to a tensor, with the reason.
fn not_applied(explained: &Explained, name: &str) -> Vec<(String, String)> {
    fn add<I>(
        passes: &[Pass<I>],
        runs: &dyn Fn(&str) -> bool,
        changed: &[String],
        found: &mut Vec<(String, String)>,
    ) {
        for pass in passes.iter().filter(|pass| !changed.iter().any(|known| known == pass.name)) {
            let why = if runs(pass.name) { "found nothing to change" } else { "is not in the pipeline" };
            found.push((pass.name.into(), why.into()));
        }
    }
    let changed = explained.history.changed(name);
    let runs = |pass: &str| explained.history.passes.iter().any(|applied| applied.pass == pass);
    let mut found = Vec::new();
    add(GRAPH_PASSES, &runs, &changed, &mut found);
    if !explained.history.loops.contains_key(name) {
        // It has no loops of its own.
        return found;
    }
    add(LOOP_PASSES, &runs, &changed, &mut found);
    // Vectorisation says of each loop why it stays.
    if let Some(func) = &explained.history.before_vectors {
        let step = explained.pipeline.loops.iter().find(|step| step.pass.name == "vectorize");
        let lanes = step.and_then(|step| step.arguments.first()).map_or(8, |(_, lanes)| *lanes);
        let statements =
            func.body.iter().filter(|stmt| written(func, stmt).iter().any(|known| known == name));
        for stmt in statements {
            for (counter, reason) in vectorize::refusals(func, &explained.context, lanes, stmt) {
                found.push(("vectorize".into(), format!("leaves loop `{counter}`: {reason}")));
            }
        }
        let specific = found.iter().any(|(pass, why)| pass == "vectorize" && why.starts_with("leaves"));
        found.retain(|(pass, why)| !(specific && pass == "vectorize" && why.starts_with("found")));
    }
    found
}

impl Why {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        let forms: Vec<[String; 2]> = self
            .expressions
            .iter()
            .map(|(pass, form)| {
                let label = if pass == "input" { "as written".into() } else { format!("after {pass}") };
                [label, form.clone()]
            })
            .collect();
        if !forms.is_empty() {
            text.push_str(&table(["graph", "form"], &forms));
        }
        if !self.passes.is_empty() {
            text.push_str(&format!("loops changed by {}\n", self.passes.join(", ")));
        }
        match (self.loops.is_empty(), self.inside.as_slice()) {
            (false, _) => {
                text.push_str("loops\n");
                self.loops.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
            }
            (true, []) => text.push_str("it is not stored, and nothing that is stored needs it\n"),
            (true, users) => {
                text.push_str(&format!("it is not stored: computed inside of {}\n", users.join(", ")));
            }
        }
        let rows: Vec<[String; 2]> =
            self.not_applied.iter().map(|(pass, why)| [pass.clone(), why.clone()]).collect();
        if !rows.is_empty() {
            text.push_str(&table(["not applied", "why"], &rows));
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let expressions: Vec<Value> =
            self.expressions.iter().map(|(pass, form)| json!({ "pass": pass, "form": form })).collect();
        let not_applied: Vec<Value> =
            self.not_applied.iter().map(|(pass, why)| json!({ "pass": pass, "why": why })).collect();
        json!({
            "tensor": self.name, "expressions": expressions, "loops_changed_by": self.passes,
            "loops": self.loops, "inside": self.inside, "not_applied": not_applied,
        })
    }
}
