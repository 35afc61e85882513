//! What a wrong program is answered with: code, message and fix.

use tcc_frontend::codes::Code;
use tcc_frontend::{ast::ExpressionProgram, parse, parse_expression_program};

/// The wrong line, the code, the marked text, and words of the help.
const MESSAGES: &[(&str, &str, &str, &str)] = &[
    ("C[i,j] = exp(A[i,j]", "E0102", "(", "add `)`"),
    ("y = (a]", "E0102", "]", "write `)`"),
    ("y = x]", "E0102", "]", "remove it"),
    ("C[i,k] + = A[i,j]", "E0106", "+ =", "write `+=` without a blank"),
    ("y max = x", "E0106", "max =", "write `max=` without a blank"),
    ("C[i] == A[i]", "E0106", "==", "write `=`"),
    ("C[i] A[i]", "E0106", "A", "an equation looks like"),
    ("y -= x", "E0106", "-=", "there is no `-=`"),
    ("y := x", "E0106", ":=", "write `=`"),
    ("y = a = b", "E0106", "=", "write `==`"),
    ("y = [a = b]", "E0106", "=", "write `==`"),
    ("y = sum(j) x[j]", "E0108", "sum(j)", "write sum[j]"),
    ("y = sum[j+1] x", "E0108", "sum[j+1]", "sum[j where j < i]"),
    ("y = rfft[x] u", "E0108", "rfft[x]", "rfft[x -> k]"),
    ("y = 2x[i]", "E0109", "2x", "write `2*x`"),
    ("y = x[j] y[j]", "E0109", "] y", "write `*` between"),
    ("y = x[i j]", "E0109", "i j", "write i,j"),
    ("y = a +", "E0110", "", "indented"),
    ("in x", "E0110", "", "indented"),
    ("in x : float32[n]", "E0105", "float32", "`f32`"),
    ("in x : f33[n]", "E0105", "f33", "`f32`"),
    ("in x : tensor[n]", "E0105", "tensor", "the types are"),
    ("in x f32", "E0101", "f32", ""),
    ("input x : f32[n]", "E0101", "input", "`in`"),
    ("let x = 3", "E0101", "let", "needs no word"),
    ("y = a and and b", "E0101", "and", "operand is missing"),
    ("y = a + if b then c else d", "E0101", "if", "parentheses"),
    ("y = a == not b", "E0101", "not", "parentheses"),
    ("y = x[i] where i < 3", "E0101", "where", "inside the brackets"),
    ("y = x[1:3]", "E0101", ":", "size"),
    ("y = a ** b", "E0101", "*", "a^b"),
    ("y = a || b", "E0101", "|", "`or`"),
    ("y = x[i | 0 | 1]", "E0101", "|", "once"),
    ("y = f(a,)", "E0101", ",", "remove the comma"),
    ("y = x; z = y", "E0101", ";", "line ends"),
    ("y = \"a\"", "E0101", "\"a\"", "texts"),
    ("y = a × b", "E0103", "×", "write `*`"),
    ("y = 5 % 3", "E0103", "%", "mod"),
    ("y = _a", "E0103", "_", "end of the name"),
    ("y = x²", "E0103", "²", "`^2`"),
    ("y = 1_000", "E0104", "_", "remove"),
    ("y = 0x1F", "E0104", "0x1F", "numbers are written"),
    ("y = 99999999999999999999", "E0104", "99999999999999999999", "9223372036854775807"),
    ("y = 1e999", "E0104", "1e999", "inf"),
    ("a = b c = d", "E0114", "c", "a line of its own"),
    ("a = b\n  c = d", "E0114", "c", "remove the blanks"),
    ("@shard(r)", "E0115", "@shard(r)", "before the statement"),
    ("edition 1999", "E0116", "edition 1999", "2026"),
    ("in x : f32[\"a", "E0117", "\"a", "add `\"`"),
    ("y = if a then b", "E0119", "if", "then .. else"),
    ("y = if a b", "E0119", "if", "then .. else"),
    ("y = x[]", "E0120", "[]", "without brackets"),
    ("y = f()", "E0120", "()", "at least one"),
];

#[test]
fn messages_name_the_place_and_the_fix() {
    for (source, code, marked, help) in MESSAGES {
        let (_, diagnostics) = parse(source);
        assert_eq!(diagnostics.len(), 1, "{source}: {diagnostics:?}");
        let diagnostic = &diagnostics[0];
        assert_eq!(diagnostic.code.id(), *code, "{source}: {diagnostic:?}");
        assert_eq!(diagnostic.labels[0].span.text(source), *marked, "{source}: {diagnostic:?}");
        assert!(diagnostic.help.as_deref().unwrap_or("").contains(help), "{source}: {diagnostic:?}");
    }
}

#[test]
fn one_run_reports_every_bad_line() {
    let source = "in x : f32[n]\ny[i] = x[i] +\nz[i] = x[i\nin w : float\nv[i] = 2x[i]\nu[i] = x[i]\n";
    let (file, diagnostics) = parse(source);
    let codes: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.id()).collect();
    assert_eq!(codes, ["E0110", "E0102", "E0105", "E0109"]);
    assert_eq!(file.items.len(), 2);
}

#[test]
fn expression_programs() {
    let einsum = |text: &str| match parse_expression_program(text) {
        (ExpressionProgram::Einsum(einsum), diagnostics) if diagnostics.is_empty() => {
            let letters = |terms: &tcc_frontend::ast::Subscripts| {
                let letters: String = terms.letters.iter().map(|(letter, _)| *letter).collect();
                terms
                    .ellipsis
                    .map_or(letters.clone(), |(at, _)| format!("{}...{}", &letters[..at], &letters[at..]))
            };
            let operands: Vec<String> = einsum.operands.iter().map(letters).collect();
            format!("{}->{}", operands.join(","), einsum.output.as_ref().map_or("?".to_string(), letters))
        }
        other => format!("{other:?}"),
    };
    assert_eq!(einsum("ij,jk->ik"), "ij,jk->ik");
    assert_eq!(einsum(" a...b , b -> ...a "), "a...b,b->...a");
    assert_eq!(einsum("ii"), "ii->?");
    assert_eq!(einsum(",i->"), ",i->");
    for wrong in ["", "ij,jk->iik", "ij->k", "i->j->k", "..i", "i......j", "a+b", "sum(x)"] {
        let (_, diagnostics) = parse_expression_program(wrong);
        assert!(diagnostics.iter().any(|diagnostic| diagnostic.code == Code::BadEinsum), "{wrong}");
    }
    for (text, items) in
        [("C[i,k] += A[i,j]*B[j,k]", 1), ("y = x; in x : f32 ;z = y\nw = z;", 4), ("s += x[i]", 1)]
    {
        let (program, diagnostics) = parse_expression_program(text);
        assert_eq!(diagnostics, [], "{text}");
        assert!(matches!(program, ExpressionProgram::Program(file) if file.items.len() == items), "{text}");
    }
}
