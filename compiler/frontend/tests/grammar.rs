//! How expressions and statements are read, shown with every bracket written out.

use tcc_frontend::ast::*;
use tcc_frontend::parse;

/// An expression with every bracket written out.
fn shown(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Number(Number::Int(value)) => value.to_string(),
        ExprKind::Number(Number::Float(value)) => format!("{value:?}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Neg(a) => format!("(-{})", shown(a)),
        ExprKind::Not(a) => format!("(not {})", shown(a)),
        ExprKind::Power(a, b) => format!("({} ^ {})", shown(a), shown(b)),
        ExprKind::Chain(Chain { first, rest }) => rest
            .iter()
            .fold(shown(first), |left, (op, operand)| format!("({left} {} {})", op.text(), shown(operand))),
        ExprKind::Compare(Compare { first, rest }) => {
            let rest: String = rest.iter().map(|(op, b)| format!(" {} {}", op.text(), shown(b))).collect();
            format!("({}{rest})", shown(first))
        }
        ExprKind::If(parts) => {
            format!(
                "(if {} then {} else {})",
                shown(&parts.condition),
                shown(&parts.then),
                shown(&parts.otherwise)
            )
        }
        ExprKind::Iverson(a) => format!("[{}]", shown(a)),
        ExprKind::Call(call) => format!("{}({})", call.name.text, list(&call.arguments, shown)),
        ExprKind::Access(access) => {
            let outside =
                access.outside.as_ref().map_or(String::new(), |value| format!(" | {}", shown(value)));
            format!("{}[{}{outside}]", shown(&access.base), list(&access.indices, index))
        }
        ExprKind::Table(table) => format!("{{{}}}", list(&table.entries, entry)),
        ExprKind::Reduce(reduce) => {
            let guards = if reduce.guards.is_empty() {
                String::new()
            } else {
                format!(" where {}", list(&reduce.guards, shown))
            };
            format!("({:?}[{}{guards}] {})", reduce.op, list(&reduce.binders, binder), shown(&reduce.body))
        }
        ExprKind::Transform(t) => {
            format!("({:?}[{} -> {}] {})", t.kind, list(&t.from, binder), list(&t.to, binder), shown(&t.body))
        }
    }
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn binder(binder: &Binder) -> String {
    binder
        .size
        .as_ref()
        .map_or(binder.name.text.clone(), |size| format!("{}:{}", binder.name.text, shown(size)))
}

fn index(index: &Index) -> String {
    match index {
        Index::Group(group) => {
            format!("({})", group.members.iter().map(binder).collect::<Vec<_>>().join(" "))
        }
        Index::Expr(expr) => shown(expr),
    }
}

fn entry(entry: &TableEntry) -> String {
    match entry {
        TableEntry::Number(Number::Int(value), _) => value.to_string(),
        TableEntry::Number(Number::Float(value), _) => format!("{value:?}"),
        TableEntry::Table(table, _) => format!("{{{}}}", list(&table.entries, self::entry)),
    }
}

/// The only statement of `source`.
fn item(source: &str) -> Item {
    let (mut file, diagnostics) = parse(source);
    assert_eq!(diagnostics, [], "{source}");
    assert_eq!(file.items.len(), 1, "{source}");
    file.items.remove(0)
}

fn equation(source: &str) -> Equation {
    match item(source).kind {
        ItemKind::Equation(equation) => equation,
        other => panic!("{source}: {other:?}"),
    }
}

fn declaration(source: &str) -> Declaration {
    match item(source).kind {
        ItemKind::Declaration(declaration) => declaration,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn precedence() {
    for (source, expected) in [
        ("a + b*c - d", "((a + (b * c)) - d)"),
        ("a/b*c div d mod e", "((((a / b) * c) div d) mod e)"),
        ("-x^2", "(-(x ^ 2))"),
        ("2^-x^y", "(2 ^ (-(x ^ y)))"),
        ("a^b^c", "(a ^ (b ^ c))"),
        ("a * -b", "(a * (-b))"),
        ("--a", "(-(-a))"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("sum[j] a*b + c", "((Sum[j] (a * b)) + c)"),
        ("sum[j] a*b < c", "((Sum[j] (a * b)) < c)"),
        ("x * sum[j] a/b * sum[k] c", "(x * (Sum[j] ((a / b) * (Sum[k] c))))"),
        ("-sum[j] a", "(-(Sum[j] a))"),
        ("sum[j] -a - b", "((Sum[j] (-a)) - b)"),
        ("0 <= j < n and not a == b or c", "(((0 <= j < n) and (not (a == b))) or c)"),
        ("if a then b else if c then d else e + f", "(if a then b else (if c then d else (e + f)))"),
        ("[a == b] * (a == b)", "([(a == b)] * (a == b))"),
        ("(a < b) < c", "((a < b) < c)"),
        ("1e-5 + 1. + .5 + 2E3", "(((1e-5 + 1.0) + 0.5) + 2000.0)"),
    ] {
        assert_eq!(shown(&equation(&format!("y = {source}")).body), expected, "{source}");
    }
}

#[test]
fn atoms() {
    for (source, expected) in [
        ("max(a, b)", "max(a, b)"),
        ("max[j] a[j]", "(Max[j] a[j])"),
        ("softmax[j:3, k where j < k, a[j] != 0] a[j]", "(Softmax[j:3, k where (j < k), (a[j] != 0)] a[j])"),
        ("w3j(1,1,2)[i,j,k]", "w3j(1, 1, 2)[i, j, k]"),
        ("{1, -2.5}[i]", "{1, -2.5}[i]"),
        ("{{0,1},{1,0}}[i,j]", "{{0, 1}, {1, 0}}[i, j]"),
        ("A[i-1, j | [a == b]]", "A[(i - 1), j | [(a == b)]]"),
        ("x[(h k), (i + j)]", "x[(h k), (i + j)]"),
        ("x[(k-m) mod n]", "x[((k - m) mod n)]"),
        ("x[(h:2*e k) | 0]", "x[(h:(2 * e) k) | 0]"),
        ("x[(k mod n)]", "x[(k mod n)]"),
        ("x[(f (k))]", "x[f(k)]"),
        (
            "irfft[kx,ky -> x:nx,y:ny div 2] Z[kx,ky] + 1",
            "((Irfft[kx, ky -> x:nx, y:(ny div 2)] Z[kx, ky]) + 1)",
        ),
        ("grad(loss, W)[i,j]", "grad(loss, W)[i, j]"),
        ("sum + max*in - where", "((sum + (max * in)) - where)"),
        ("sum[j]", "sum[j]"),
        ("φ_1*é2", "(φ_1 * é2)"),
        ("f(a, # comment )\n b)", "f(a, b)"),
    ] {
        assert_eq!(shown(&equation(&format!("y = {source}")).body), expected, "{source}");
    }
}

#[test]
fn left_sides() {
    let left = |source: &str| {
        let equation = equation(source);
        let indices = list(&equation.indices, |index| match index {
            LeftIndex::Group(group) => {
                format!("({})", group.members.iter().map(binder).collect::<Vec<_>>().join(" "))
            }
            LeftIndex::Sized(sized) => format!("{}:{}", sized.name.text, shown(&sized.size)),
            LeftIndex::Expr(expr) => shown(expr),
        });
        format!("{}[{indices}] {:?}", equation.name.text, equation.op)
    };
    assert_eq!(left("o[i,(h k)] = x"), "o[i, (h k)] Set");
    assert_eq!(left("h[v,p:c+f] += x"), "h[v, p:(c + f)] Add");
    assert_eq!(left("agg[dst[e],0] max= x"), "agg[dst[e], 0] Max");
    assert_eq!(left("y *= x"), "y[] Mul");
    assert_eq!(left("max min= x"), "max[] Min");
    assert_eq!(left("out[i] = x"), "out[i] Set");
    assert_eq!(left("in = x"), "in[] Set");
    assert_eq!(left("fn[i] = x"), "fn[i] Set");
}

#[test]
fn declarations() {
    let all = declaration("in Q, K : f32[n, 2*d, \"1x0e\"] csr in [-1, 1] = 0");
    assert_eq!(all.names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>(), ["Q", "K"]);
    assert_eq!((all.kind, all.dtype, all.dims.len()), (DeclarationKind::In, TypeName::F32, 3));
    assert!(matches!(&all.dims[2], Dim::Text(text) if text.value == "1x0e"));
    assert_eq!(all.format.map(|format| format.kind), Some(StorageKind::Csr));
    assert!(all.range.is_some() && all.default.is_some());
    assert_eq!(declaration("param in, out : int").names[0].text, "in");
    assert_eq!(declaration("var sum : bool").dims, []);
}

#[test]
fn attributes() {
    let item = item(
        "@approx(exp, eps=1e-3, on=[-1,1])\n@recompute\n@max(peak=1.5KiB, flops=2) @tile(\"a\", [a == b])\ny = x",
    );
    let names: Vec<&str> = item.attributes.iter().map(|attribute| attribute.name.text.as_str()).collect();
    assert_eq!(names, ["approx", "recompute", "max", "tile"]);
    let values: Vec<&ArgumentValue> = item
        .attributes
        .iter()
        .flat_map(|attribute| attribute.arguments.iter().map(|argument| &argument.value))
        .collect();
    assert!(matches!(values[2], ArgumentValue::Interval(_)));
    assert!(matches!(values[3], ArgumentValue::Bytes(1536)));
    assert!(matches!(values[5], ArgumentValue::Text(_)));
    assert!(matches!(values[6], ArgumentValue::Expr(Expr { kind: ExprKind::Iverson(_), .. })));
}

#[test]
fn spans_point_into_the_source() {
    let source = "  # c\r\n  y[i] = a # c\r\n    + sum[j] b[j]   \r\n";
    let equation = equation(source);
    assert_eq!(equation.span.text(source), "y[i] = a # c\r\n    + sum[j] b[j]");
    assert_eq!(equation.left_span.text(source), "y[i]");
    let ExprKind::Chain(sum) = &equation.body.kind else { panic!("a sum") };
    assert_eq!((sum.first.span.text(source), sum.rest[0].1.span.text(source)), ("a", "sum[j] b[j]"));
}

#[test]
fn the_edition_line() {
    let (file, diagnostics) = parse("edition 2026\ny = x");
    assert_eq!(
        (file.edition.map(|edition| edition.year), file.items.len(), diagnostics),
        (Some(2026), 1, vec![])
    );
    assert_eq!(equation("edition = 3").name.text, "edition");
}
