//! `tcc schema`: the JSON Schema of what `--format json` prints.

use super::session::{Exit, Failure, Session};
use serde_json::{Value, json};
use tcc_frontend::diagnostic::nearest;

/// Print the JSON Schema of an output, such as tcc.run/1; alone: list them
#[derive(clap::Args)]
pub struct Arguments {
    /// The name in the field `schema`
    name: Option<String>,
}

/// One form of output: its name, and its fields with their JSON types.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

/// Fields are only added within a version.
const SCHEMAS: &[Row] = &[
    ("tcc.check/1", &[("file", "string"), ("sizes", "array"), ("warnings", "array")]),
    ("tcc.compile/1", &[("files", "array")]),
    ("tcc.diagnostics/1", &[("diagnostics", "array")]),
    ("tcc.doctor/1", &[("version", "string"), ("edition", "integer"), ("lines", "array")]),
    (
        "tcc.explain/1",
        &[
            ("file", "string"),
            ("sizes", "object"),
            ("buffers", "array"),
            ("arena_bytes", "integer"),
            ("flops", "number"),
            ("bytes", "number"),
        ],
    ),
    (
        "tcc.explain-code/1",
        &[
            ("code", "string"),
            ("title", "string"),
            ("explanation", "string"),
            ("wrong", "string"),
            ("right", "string"),
        ],
    ),
    ("tcc.passes/1", &[("graph", "array"), ("loops", "array"), ("levels", "array"), ("backends", "array")]),
    (
        "tcc.run/1",
        &[
            ("file", "string"),
            ("sizes", "object"),
            ("outputs", "array"),
            ("files", "array"),
            ("checks", "array"),
            ("not_compared", "array"),
            ("compile_ms", "number"),
            ("run_ms", "number"),
        ],
    ),
    ("tcc.verify/1", &[("file", "string"), ("verdict", "string"), ("stages", "array")]),
];

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let names = SCHEMAS.iter().map(|row| row.0);
    let Some(wanted) = arguments.name else {
        session.out(&names.map(|name| format!("{name}\n")).collect::<String>());
        return Ok(Exit::Fine);
    };
    let Some((name, fields)) = SCHEMAS.iter().find(|row| row.0 == wanted) else {
        return Err(Failure::Usage(match nearest(&wanted, names) {
            Some(near) => format!("no schema `{wanted}`; did you mean `{near}`?"),
            None => format!("no schema `{wanted}`; `tcc schema` lists them"),
        }));
    };
    session.out(&format!("{:#}\n", schema(name, fields)));
    Ok(Exit::Fine)
}

fn schema(name: &str, fields: &[(&str, &str)]) -> Value {
    let mut properties = serde_json::Map::new();
    properties.insert("schema".into(), json!({ "const": name }));
    for (field, kind) in fields {
        properties.insert((*field).into(), json!({ "type": kind }));
    }
    let required: Vec<&str> = std::iter::once("schema").chain(fields.iter().map(|field| field.0)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name, "type": "object", "properties": properties, "required": required,
    })
}
