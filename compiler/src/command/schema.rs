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

/// A JSON type.
enum Kind {
    Text,
    Integer,
    Number,
    Bool,
    /// An integer, or an expression as text.
    Size,
    /// A number, or an element that JSON has no number for.
    Element,
    /// Sizes by name.
    Sizes,
    Maybe(&'static Kind),
    List(&'static Kind),
    Record(Fields),
}

/// Fields that are always there, with their types; a `?` behind the name: only sometimes.
type Fields = &'static [(&'static str, Kind)];

use Kind::{Bool, Element, Integer, List, Maybe, Number, Record, Size, Sizes, Text};

const DIAGNOSTIC: Kind = Record(&[
    ("message", Text),
    ("code", Text),
    ("severity", Text),
    ("help", Maybe(&Text)),
    ("filename", Maybe(&Text)),
    (
        "labels",
        List(&Record(&[("label", Text), ("span", Record(&[("offset", Integer), ("length", Integer)]))])),
    ),
    ("related", List(&Text)),
]);

const PASS: Kind = Record(&[
    ("name", Text),
    ("about", Text),
    ("required", Bool),
    ("params", List(&Record(&[("name", Text), ("default", Integer), ("choices", List(&Integer))]))),
]);

/// One rung of `tcc verify`: `outcome` is equal, close, none or differs.
const OUTCOME: Kind = Record(&[("outcome", Text), ("error", Maybe(&Number)), ("about", Maybe(&Text))]);

/// A loop nest in `tcc explain`.
const STEP: Kind = Record(&[
    ("tensors", List(&Text)),
    ("flops", Number),
    ("divisions", Number),
    ("functions", Number),
    ("accessed_bytes", Number),
    ("moved_bytes", Number),
    ("intensity", Maybe(&Number)),
    ("cycles", Number),
    ("exact", Bool),
    ("changed_by", List(&Text)),
]);

/// A rewrite rule and how often it was used.
const RULE_USE: Kind = Record(&[("rule", Text), ("law", Text), ("count", Integer)]);

/// One run of `saturate`.
const RULES: Kind = Record(&[
    ("changed", Bool),
    ("cycles_before", Number),
    ("cycles_after", Number),
    (
        "phases",
        List(&Record(&[("phase", Text), ("iterations", Integer), ("nodes", Integer), ("stop", Text)])),
    ),
    ("statements", List(&Record(&[("name", Text), ("is_output", Bool), ("rules", List(&RULE_USE))]))),
    ("not_cheaper", List(&RULE_USE)),
    ("not_allowed", List(&RULE_USE)),
]);

/// A tensor with its axes.
const OPERAND: Kind = Record(&[("name", Text), ("axes", List(&Text))]);

/// One product of many factors.
const ORDER: Kind = Record(&[
    ("name", Text),
    ("rewritten", Bool),
    ("method", Text),
    ("searched", Integer),
    ("flops_in_one_loop", Number),
    ("flops", Number),
    ("cycles_in_one_loop", Number),
    ("cycles", Number),
    ("peak_bytes", Number),
    ("slices", List(&Record(&[("axis", Text), ("count", Number)]))),
    (
        "steps",
        List(&Record(&[
            ("left", OPERAND),
            ("right", OPERAND),
            ("result", OPERAND),
            ("summed", List(&Text)),
            ("flops", Number),
            ("bytes", Number),
            ("cycles", Number),
            ("stored_bytes", Number),
        ])),
    ),
]);

/// The machine of the cost model.
const MODEL: Kind = Record(&[
    ("gigahertz", Number),
    ("vector_bytes", Number),
    ("fma_per_cycle", Number),
    ("start_cycles", Number),
    ("batch_cycles", Number),
    ("ramp", List(&Number)),
    ("memory", List(&Record(&[("bytes", Maybe(&Number)), ("bytes_per_cycle", Number)]))),
    ("functions", List(&Record(&[("function", Text), ("f32_cycles", Number), ("f64_cycles", Number)]))),
]);

/// How a tensor got its form.
const WHY: Kind = Record(&[
    ("tensor", Text),
    ("expressions", List(&Record(&[("pass", Text), ("form", Text)]))),
    ("loops_changed_by", List(&Text)),
    ("loops", Text),
    ("inside", List(&Text)),
    ("not_applied", List(&Record(&[("pass", Text), ("why", Text)]))),
]);

/// Every form of output by its name. Fields are only added within a version.
const SCHEMAS: &[(&str, Fields)] = &[
    (
        "tcc.bench/1",
        &[
            ("file", Text),
            ("sizes", Sizes),
            ("version", Text),
            ("flops", Maybe(&Number)),
            ("moved_bytes", Maybe(&Number)),
            ("model_cycles", Maybe(&Number)),
            ("interrupted", Bool),
            (
                "results",
                List(&Record(&[
                    ("name", Text),
                    ("min_ms", Number),
                    ("median_ms", Number),
                    ("mad_ms", Maybe(&Number)),
                    ("rounds", Maybe(&Integer)),
                    ("calls", Maybe(&Integer)),
                    ("compile_ms", Maybe(&Number)),
                    ("ratio", Number),
                ])),
            ),
        ],
    ),
    (
        "tcc.cache/1",
        &[
            ("action", Text),
            ("folder", Maybe(&Text)),
            ("problem", Maybe(&Text)),
            ("entries", Integer),
            ("bytes", Integer),
            ("limit_bytes", Integer),
            ("removed", Integer),
            ("damaged", List(&Text)),
            ("key", Maybe(&Text)),
            ("found", Maybe(&Bool)),
            ("differences", List(&Text)),
        ],
    ),
    (
        "tcc.check/1",
        &[
            ("file", Text),
            ("sizes", List(&Record(&[("equation", Text), ("index", Text), ("size", Size), ("from", Text)]))),
            ("warnings", List(&DIAGNOSTIC)),
        ],
    ),
    ("tcc.compile/1", &[("files", List(&Record(&[("path", Text), ("bytes", Integer), ("sha256", Text)])))]),
    ("tcc.diagnostics/1", &[("diagnostics", List(&DIAGNOSTIC))]),
    (
        "tcc.doctor/1",
        &[
            ("version", Text),
            ("edition", Integer),
            ("lines", List(&Record(&[("found", Bool), ("name", Text), ("about", Text)]))),
        ],
    ),
    (
        "tcc.examples/1",
        &[("examples", List(&Record(&[("name", Text), ("about", Text)]))), ("copied", Maybe(&Text))],
    ),
    (
        "tcc.explain/1",
        &[
            ("file", Text),
            ("sizes", Sizes),
            (
                "buffers",
                List(&Record(&[
                    ("name", Text),
                    ("role", Text),
                    ("dtype", Text),
                    ("extents", List(&Size)),
                    ("bytes", Maybe(&Integer)),
                ])),
            ),
            ("arena_bytes", Maybe(&Integer)),
            ("operand_bytes", Maybe(&Integer)),
            ("flops", Maybe(&Number)),
            ("flops_as_written", Maybe(&Number)),
            ("functions", Maybe(&Number)),
            ("exact", Maybe(&Bool)),
            ("bytes", Maybe(&Number)),
            ("cycles", Maybe(&Number)),
            ("seconds", Maybe(&Number)),
            ("machine", Text),
            ("model", MODEL),
            ("contract", Text),
            ("rules", List(&RULES)),
            ("orders", List(&ORDER)),
            ("steps", List(&STEP)),
            ("not_stored", List(&Text)),
            (
                "passes",
                List(&Record(&[("pass", Text), ("changed", Bool), ("size", Integer), ("on_graph", Bool)])),
            ),
            ("why?", WHY),
        ],
    ),
    (
        "tcc.bisect/1",
        &[
            ("file", Text),
            ("found", Bool),
            ("message", Text),
            ("fingerprint?", Text),
            ("stage?", Text),
            ("position?", Integer),
            ("in_backend?", Bool),
            ("rule?", Maybe(&Text)),
            ("rewrite?", Maybe(&Integer)),
        ],
    ),
    (
        "tcc.explain-code/1",
        &[("code", Text), ("title", Text), ("explanation", Text), ("wrong", Text), ("right", Text)],
    ),
    ("tcc.fmt/1", &[("files", List(&Record(&[("file", Text), ("changed", Bool), ("text", Text)])))]),
    (
        "tcc.fuzz/1",
        &[
            ("seed", Integer),
            ("seconds", Number),
            ("executions", Integer),
            ("features", Integer),
            ("corpus", Integer),
            ("deaths", Integer),
            (
                "findings",
                List(&Record(&[
                    ("fingerprint", Text),
                    ("message", Text),
                    ("file", Maybe(&Text)),
                    ("case", Text),
                ])),
            ),
            ("self_test?", Record(&[("ways", Integer), ("noticed", Integer), ("missed", List(&Text))])),
        ],
    ),
    (
        "tcc.fuzz.prune/1",
        &[("corpus", Text), ("cases", Integer), ("kept", Integer), ("features", Integer), ("dry_run", Bool)],
    ),
    (
        "tcc.graph/1",
        &[
            ("file", Text),
            ("written", Maybe(&Text)),
            ("format", Text),
            ("boxes", Integer),
            ("arrows", Integer),
            ("note", Maybe(&Text)),
            ("text", Maybe(&Text)),
        ],
    ),
    ("tcc.note/1", &[("kind", Text), ("message", Text)]),
    ("tcc.opt/1", &[("file", Text), ("text", Text)]),
    (
        "tcc.passes/1",
        &[
            ("graph", List(&PASS)),
            ("loops", List(&PASS)),
            ("levels", List(&Record(&[("name", Text), ("about", Text), ("pipeline", Text)]))),
            ("backends", List(&Record(&[("name", Text), ("about", Text)]))),
        ],
    ),
    (
        "tcc.reduce/1",
        &[
            ("file", Text),
            ("found", Bool),
            ("message", Text),
            ("written?", Maybe(&Text)),
            ("fingerprint?", Text),
            ("size_before?", Integer),
            ("size?", Integer),
            ("tried?", Integer),
            ("text?", Text),
        ],
    ),
    (
        "tcc.replay/1",
        &[("file", Text), ("verdict", Text), ("fingerprint", Maybe(&Text)), ("message", Maybe(&Text))],
    ),
    (
        "tcc.rules/1",
        &[(
            "rules",
            List(&Record(&[
                ("name", Text),
                ("subject", Text),
                ("law", Text),
                ("about", Text),
                ("left", Text),
                ("right", Text),
                ("when", List(&Text)),
                ("only", Maybe(&Text)),
                ("source", Text),
            ])),
        )],
    ),
    (
        "tcc.run/1",
        &[
            ("file", Text),
            ("sizes", Sizes),
            (
                "outputs",
                List(&Record(&[
                    ("name", Text),
                    ("dtype", Text),
                    ("shape", List(&Integer)),
                    ("min", Maybe(&Number)),
                    ("max", Maybe(&Number)),
                    ("mean", Maybe(&Number)),
                    ("nan", Integer),
                    ("sha256", Text),
                    ("elements?", List(&Element)),
                ])),
            ),
            ("files", List(&Text)),
            (
                "checks",
                List(&Record(&[
                    ("output", Text),
                    ("against", Text),
                    ("tolerance", Maybe(&Number)),
                    ("verdict", Text),
                    ("error?", Maybe(&Number)),
                    ("index?", List(&Integer)),
                    ("got?", Element),
                    ("expected?", Element),
                ])),
            ),
            ("not_compared", List(&Text)),
            ("code_from", Text),
            ("compiled", Integer),
            ("compile_ms", Number),
            ("run_ms", Number),
        ],
    ),
    ("tcc.schemas/1", &[("schemas", List(&Text))]),
    ("tcc.show/1", &[("file", Text), ("stage", Text), ("text", Text), ("passes?", List(&Text))]),
    (
        "tcc.tune/1",
        &[
            ("file", Text),
            ("tried", Integer),
            ("ranked", Integer),
            ("pipeline", Text),
            (
                "results",
                List(&Record(&[
                    ("changes", Text),
                    ("rank", Integer),
                    ("cycles", Number),
                    ("median_ms", Number),
                    ("speedup", Number),
                ])),
            ),
        ],
    ),
    (
        "tcc.verify/1",
        &[
            ("file", Text),
            ("verdict", Text),
            ("stage", Maybe(&Text)),
            (
                "stages",
                List(&Record(&[
                    ("stage", Text),
                    ("exact", OUTCOME),
                    ("integers", OUTCOME),
                    ("floats", OUTCOME),
                ])),
            ),
        ],
    ),
];

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let names = SCHEMAS.iter().map(|row| row.0);
    let Some(wanted) = arguments.name else {
        if session.json() {
            let names: Vec<&str> = names.collect();
            session.out_json(&json!({ "schema": "tcc.schemas/1", "schemas": names }));
        } else {
            session.out(&names.map(|name| format!("{name}\n")).collect::<String>());
        }
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

fn schema(name: &str, fields: Fields) -> Value {
    let mut all = record(fields);
    all["properties"]["schema"] = json!({ "const": name });
    if let Some(required) = all["required"].as_array_mut() {
        required.insert(0, "schema".into());
    }
    all["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    all["title"] = name.into();
    all
}

fn record(fields: Fields) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(field, kind)| (field.trim_end_matches('?').to_owned(), kind.json())).collect();
    let required: Vec<&str> = fields.iter().map(|row| row.0).filter(|field| !field.ends_with('?')).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

impl Kind {
    fn json(&self) -> Value {
        match self {
            Text => json!({ "type": "string" }),
            Integer => json!({ "type": "integer" }),
            Number => json!({ "type": "number" }),
            Bool => json!({ "type": "boolean" }),
            Size => json!({ "type": ["integer", "string"] }),
            // Complex numbers are pairs.
            Element => json!({ "type": ["number", "boolean", "string", "array"] }),
            Sizes => json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
            Maybe(kind) => {
                let mut json = kind.json();
                json["type"] = json!([json["type"], "null"]);
                json
            }
            List(item) => json!({ "type": "array", "items": item.json() }),
            Record(fields) => record(fields),
        }
    }
}
