//! The example programs, read whole.

use std::path::PathBuf;

use tcc_frontend::{ast, format, parse};

/// The example programs with their names, sorted.
fn programs() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/seed_kernels/ein");
    let mut programs: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of example programs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("text")))
        .collect();
    programs.sort();
    programs
}

#[test]
fn all_programs_parse() {
    let programs = programs();
    assert_eq!(programs.len(), 36);
    for (name, source) in programs {
        let (file, diagnostics) = parse(&source);
        assert_eq!(diagnostics, [], "{name}");
        assert!(file.equations().count() > 0, "{name}");
    }
}

#[test]
fn statements_survive_any_line_end_and_indentation() {
    for (name, source) in programs() {
        let items = parse(&source).0.items.len();
        for changed in [source.replace('\n', "\r\n"), indented(&source, "    "), indented(&source, "\t")] {
            let (file, diagnostics) = parse(&changed);
            assert_eq!((file.items.len(), diagnostics), (items, vec![]), "{name}");
        }
    }
}

fn indented(source: &str, blanks: &str) -> String {
    source.lines().map(|line| format!("{blanks}{line}\n")).collect()
}

/// A tree as text, without the places.
fn without_spans(file: &ast::File) -> String {
    let text = format!("{file:?}");
    let mut pieces = text.split('@');
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        out.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    }
    out
}

#[test]
fn formatting_changes_blanks_only_and_once() {
    for (name, source) in programs() {
        let once = format(&source).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(format(&once).as_ref(), Ok(&once), "{name}");
        assert_eq!(without_spans(&parse(&once).0), without_spans(&parse(&source).0), "{name}");
        let bare = |text: &str| text.replace([' ', '\n'], "");
        assert_eq!(bare(&once), bare(&source), "{name}");
    }
}

/// Expressions made of every construct, with blanks and line breaks thrown in at random.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    fn expr(&mut self, depth: usize) -> String {
        const SHAPES: &[&str] = &[
            "a",
            "i",
            "2",
            "1.5",
            ".5",
            "# + #",
            "# - #",
            "# * #",
            "# / #",
            "# ^ #",
            "- #",
            "( # )",
            "[ # ]",
            "f ( # , # )",
            "x [ # , # ]",
            "x [ # | # ]",
            "x [ ( h k ) , # ]",
            "sum [ j ] #",
            "( sum [ j : # where # , # ] # )",
            "rfft [ k -> l : # ] #",
            "( # < # <= # )",
            "( not # )",
            "( # and # )",
            "( if # then # else # )",
            "# div #",
            "# mod #",
            "{ 1 , - 2 } [ # ]",
            "max [ j ] #",
            "w ( # ) [ # ]",
        ];
        let shape = SHAPES[self.below(if depth == 0 { 5 } else { SHAPES.len() })];
        let mut out = String::new();
        for word in shape.split(' ') {
            out.push_str(&if word == "#" { self.expr(depth - 1) } else { word.to_string() });
            out.push_str([" ", " ", "  ", "\n   ", " # c\n "][self.below(5)]);
        }
        out
    }
}

#[test]
fn formatting_keeps_the_tree_of_generated_programs() {
    let mut generator = Generator(7);
    for _ in 0..3000 {
        let source = format!("y [ i , j : 3 ] += {}", generator.expr(4));
        let (file, diagnostics) = parse(&source);
        assert_eq!(diagnostics, [], "{source}");
        let once = format(&source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
        assert_eq!(without_spans(&parse(&once).0), without_spans(&file), "{source}");
        assert_eq!(format(&once).as_ref(), Ok(&once), "{source}");
    }
}
