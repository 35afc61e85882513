//! What `--format json` prints: every line of both streams is an object that its schema describes, and
//! every schema is met.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MATMUL: &str = "in A : f32[i, j]\nin B : f32[j, k]\nout C : f32[i, k]\nvar D : f32[i]\nC[i0,k0] += A[i0,j0] * B[j0,k0]\nD[i0] = A[i0,0]\n";

/// The exit code and the words of a command.
const COMMANDS: &[(i32, &[&str])] = &[
    (0, &["bench", "mm.ein", "--runs", "1", "--vs", "opt0"]),
    (0, &["bisect", "mm.ein"]),
    (0, &["cache", "stats"]),
    (0, &["cache", "clear"]),
    (0, &["cache", "explain", "mm.ein", "i=3"]),
    (0, &["check", "mm.ein", "i=3"]),
    (3, &["check", "mm.ein", "--deny", "all"]),
    (1, &["check", "mm.ein", "zz=3"]),
    (0, &["compile", "mm.ein"]),
    (0, &["doctor"]),
    (0, &["examples", "list"]),
    (0, &["examples", "copy", "wave2d"]),
    (0, &["explain", "mm.ein"]),
    (0, &["explain", "mm.ein", "i=3", "j=4", "k=5"]),
    (0, &["explain", "mm.ein", "--demo", "--why", "C"]),
    (0, &["explain", "E0203"]),
    (0, &["fmt", "--check", "mm.ein"]),
    (3, &["fmt", "--check", "mm.ein", "ugly.ein"]),
    (0, &["fuzz", "--iterations", "20"]),
    (0, &["fuzz", "--iterations", "20", "--corpus", "corpus"]),
    (0, &["fuzz", "prune", "corpus"]),
    (0, &["fuzz", "--iterations", "5", "--require-iterations", "--self-test"]),
    (4, &["fuzz", "--iterations", "1000000", "--require-iterations", "--time", "0.5"]),
    (5, &["fuzz", "--corpus", "mm.ein"]),
    (0, &["graph", "mm.ein"]),
    (0, &["graph", "mm.ein", "--dot", "-o", "mm.dot"]),
    (0, &["opt", "mm.ein", "--pipeline", "cse"]),
    (0, &["passes"]),
    (0, &["passes", "--rules"]),
    (0, &["reduce", "mm.ein"]),
    (0, &["replay", "mm.ein"]),
    (0, &["run", "mm.ein", "--demo", "-v"]),
    (0, &["run", "mm.ein", "--demo", "-o", "c.npz"]),
    (3, &["run", "mm.ein", "A=ones:2x3", "B=ones:3x4", "--expect", "c.npz"]),
    (3, &["run", "mm.ein", "A=ones:8x9", "B=ones:9x10", "--expect", "c.npz"]),
    (0, &["run", "-e", "y[i] = x[i]*i/i", "x=ones:3", "--print", "full"]),
    (0, &["run", "-e", "y[i] = c64(x[i])", "x=ones:3", "--print", "full"]),
    (0, &["run", "-e", "y[i] = x[i]", "x=ones:0"]),
    (2, &["run", "mm.ein", "--backend", "foo"]),
    (2, &["run", "mm.ein", "--nonsense"]),
    (2, &["rnu", "mm.ein"]),
    (4, &["run", "mm.ein", "--demo", "--memory", "10"]),
    (0, &["schema"]),
    (0, &["show", "mm.ein", "--stage", "loops"]),
    (0, &["show", "mm.ein", "--stage", "parse"]),
    (0, &["show", "mm.ein", "--after", "fuse"]),
    (0, &["show", "mm.ein", "--diff", "lower.."]),
    (0, &["tune", "mm.ein", "--candidates", "2", "--time", "0.01"]),
    (0, &["verify", "mm.ein"]),
];

fn tcc(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .args(words)
        .current_dir(folder)
        .env("TCC_CACHE", folder.join("cache"))
        .output();
    let output = output.expect("tcc starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Whether `value` is what `schema` describes; these schemas use few keywords, and any other fails.
fn matches(value: &Value, schema: &Value) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("{value} {why} {schema}"));
    for (keyword, wanted) in schema.as_object().ok_or("a schema is an object")? {
        match keyword.as_str() {
            "$schema" | "title" => {}
            "const" if value == wanted => {}
            "type" => {
                let names = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !names.iter().any(|name| is(value, name.as_str().unwrap_or_default())) {
                    return refuse("has not the type of");
                }
            }
            "required" => {
                let missing = |field: &&Value| value.get(field.as_str().unwrap_or_default()).is_none();
                if let Some(field) = wanted.as_array().into_iter().flatten().find(missing) {
                    return refuse(&format!("has no field {field} of"));
                }
            }
            "properties" => {
                for (field, value) in value.as_object().into_iter().flatten() {
                    match wanted.get(field) {
                        Some(schema) => matches(value, schema)?,
                        None => return refuse(&format!("has a field {field} that is not in")),
                    }
                }
            }
            "additionalProperties" => {
                value.as_object().into_iter().flatten().try_for_each(|(_, value)| matches(value, wanted))?;
            }
            "items" => value.as_array().into_iter().flatten().try_for_each(|item| matches(item, wanted))?,
            _ => return refuse(&format!("breaks `{keyword}` of")),
        }
    }
    Ok(())
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[test]
fn every_line_is_what_its_schema_says() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(folder.path().join("mm.ein"), MATMUL).expect("written");
    std::fs::write(folder.path().join("ugly.ein"), MATMUL.replace(" * B", "  *  B")).expect("written");
    let (_, names, _) = tcc(folder.path(), &["schema"]);
    let mut unused: BTreeSet<&str> = names.lines().collect();
    for (code, words) in COMMANDS {
        let (exit, out, err) = tcc(folder.path(), &[words, &["--format", "json"][..]].concat());
        assert_eq!(exit, Some(*code), "{words:?}: {out}{err}");
        for line in out.lines().chain(err.lines()) {
            let object: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{words:?}: {error}: {line}"));
            let name = object["schema"].as_str().unwrap_or_else(|| panic!("{words:?}: no schema: {line}"));
            let (_, schema, _) = tcc(folder.path(), &["schema", name]);
            let schema = serde_json::from_str(&schema).unwrap_or_else(|_| panic!("{name} has no schema"));
            matches(&object, &schema).unwrap_or_else(|why| panic!("{words:?}: {why}"));
            unused.remove(name);
        }
    }
    assert!(unused.is_empty(), "no command prints {unused:?}");
}

#[test]
fn numbers_are_numbers() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let run = ["run", "-e", "y[i] = x[i]/(i - 1)", "x=ones:3", "--print", "full", "--format", "json"];
    let object: Value = serde_json::from_str(&tcc(folder.path(), &run).1).expect("JSON");
    assert_eq!(object["sizes"], serde_json::json!({ "i": 3 }));
    assert_eq!(object["outputs"][0]["elements"], serde_json::json!([-1.0, "inf", 1.0]));
    std::fs::write(folder.path().join("mm.ein"), MATMUL).expect("written");
    let check = ["check", "mm.ein", "i=3", "--format", "json"];
    let object: Value = serde_json::from_str(&tcc(folder.path(), &check).1).expect("JSON");
    assert_eq!(object["sizes"][0]["size"], 3);
    assert_eq!(object["sizes"][1]["size"], "k");
}
