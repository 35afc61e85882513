//! Inputs made to break a parser: they must end in a clear error, soon, on an ordinary stack.

use std::time::{Duration, Instant};

use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_frontend::{parse, parse_expression_program};

/// Parses `source`, which must not take long, and returns the diagnostics.
fn check(source: &str) -> Vec<Diagnostic> {
    let start = Instant::now();
    let (_, diagnostics) = parse(source);
    let (_, _) = parse_expression_program(source);
    let seconds = start.elapsed().as_secs_f64();
    assert!(start.elapsed() < Duration::from_secs(20), "{seconds} s for {}", &source[..source.len().min(40)]);
    for diagnostic in &diagnostics {
        for label in &diagnostic.labels {
            assert!(source.get(label.span.start..label.span.end).is_some(), "{diagnostic:?}");
        }
    }
    diagnostics
}

#[test]
fn deep_nesting_is_refused() {
    for piece in [
        "(", "-", "not ", "if ", "sum[i] ", "sum[i] -", "a^", "[", "x[", "f(", "{", "x[(a:", "a[b|", "-(",
        "2^-",
    ] {
        let source = format!("y = {}x", piece.repeat((1 << 20) / piece.len()));
        let diagnostics = check(&source);
        assert!(!diagnostics.is_empty(), "{piece}");
        let expected = [Code::NestedTooDeep, Code::TooLarge, Code::UnbalancedBracket];
        assert!(diagnostics.iter().all(|d| expected.contains(&d.code)), "{piece}: {:?}", diagnostics[0]);
    }
    for piece in ["if a then b else ", "if a then ", "sum[i where ", "rfft[a -> b] ", "sum[i:sum[j] "] {
        assert!(!check(&format!("y = {}x", piece.repeat(50_000))).is_empty(), "{piece}");
    }
}

#[test]
fn nesting_up_to_the_limit_is_accepted() {
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("not ", ""),
        ("sum[i] ", ""),
        ("a^", ""),
        ("f(", ")"),
        ("x[", "]"),
        ("(a + ", ")"),
        ("x[0 | ", "]"),
    ] {
        // The bracket of a reduction is a level of its own while it is open.
        let depth = tcc_frontend::MAX_NESTING - 1;
        let source = format!("y = {}x{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(check(&source), [], "{open}");
        assert!(
            !check(&format!("y = {}x{}", open.repeat(depth + 2), close.repeat(depth + 2))).is_empty(),
            "{open}"
        );
    }
    let chain = "if a then b else ".repeat(100);
    assert_eq!(check(&format!("y = {chain}c")), []);
}

#[test]
fn failing_inside_deep_nesting_takes_linear_time() {
    for (open, close) in [
        ("(", ")"),
        ("sum[i] (", ")"),
        ("f(", ")"),
        ("x[", "]"),
        ("if ", ""),
        ("not ", ""),
        ("x[(a:(", ")b)]"),
    ] {
        let depth = 60;
        let source = format!("y = {}+{}", open.repeat(depth), close.repeat(depth));
        assert!(!check(&source).is_empty(), "{open}");
    }
}

#[test]
fn chains_are_as_long_as_a_statement_may_be() {
    for (first, piece) in [("a", "+a"), ("a", "*a"), ("a", "<a"), ("a", " and a")] {
        assert_eq!(check(&format!("y = {first}{}", piece.repeat(99_000))), [], "{piece}");
    }
    assert_eq!(check(&format!("y = {}a", "a + ".repeat(400_000)))[0].code, Code::TooLarge);
    assert_eq!(check(&format!("y = {{{}1}}[i]", "1, ".repeat(90_000))), []);
}

#[test]
fn many_equations_take_linear_time() {
    let equations: String = (0..100_000).map(|n| format!("t{n}[i] = t{} + 1\n", n + 1)).collect();
    assert_eq!(check(&equations), []);
    let wrong: String = (0..20_000).map(|n| format!("t{n}[i] = + )\n")).collect();
    assert_eq!(check(&wrong).len(), 20_000);
    check(&"y = (\n".repeat(20_000));
    check(&"  y = x\n z\n".repeat(20_000));
    check(&"@a\n".repeat(100_000));
}

#[test]
fn odd_text_is_refused_without_a_panic() {
    for source in [
        "",
        "\u{feff}",
        "\0",
        "=",
        "y",
        "y =",
        "y[",
        "y]",
        "[",
        ")",
        "@",
        "@@",
        "in",
        "in x",
        "in x :",
        "fn",
        "fn f",
        "fn f(",
        "edition",
        "edition 1",
        "edition 99999999999999999999",
        "y = 99999999999999999999",
        "y = 1e999",
        "\"",
        "y = \"a\"",
        "y = é́",
        "y = \u{202e}x",
        "y\r=\rx",
        "😀 = 😀",
        "y = x\u{a0}+ z",
        "->",
        "a->",
        "a->b->c",
        "....",
        ",",
        ";",
        ";;",
        "y = x;",
        "in x : f32[\"a] csr",
        "y = {",
        "y = {}",
        "y = {-}",
        "y = {1,}",
        "y max= x",
        "y max = x",
        "@f(=) y = x",
        "@f(64MiB) y = x",
        "@f(99999999999999999GiB) y = x",
        "\u{feff}edition 2026\r\n y = x",
    ] {
        check(source);
    }
}

#[test]
fn random_pieces_never_panic() {
    let pieces = [
        "y", "=", "(", ")", "[", "]", "{", "}", ",", ":", "|", "+", "-", "*", "^", "if", "then", "else",
        "not", "sum", "where", "1", "2.5", "\n", "\n  ", "#", "\"", "@", "in", "fn", "->", "rfft", "é", "×",
        "max=", "+=", "==", "<", "\r\n", "\t", "a", "i", " ",
    ];
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut source = String::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            source.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            if state >> 63 == 1 {
                source.push(' ');
            }
        }
        check(&source);
    }
}
