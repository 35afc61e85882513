//! Object files: linked by the system's C compiler and run as a program of their own.

use std::path::PathBuf;
use std::process::Command;
use tcc_backends::{EmitKind, Target, cranelift};
use tcc_ir::Ir;
use tcc_ir::loops::Func;

/// A folder that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("tcc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a writable temporary folder");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const MAIN: &str = r#"
#include <stdint.h>
#include <stdio.h>
extern int32_t lookup(uint8_t *const *buffers, const int64_t *sizes, uint8_t *arena);
int main(void) {
    int64_t places[3] = {2, 0, 1}, sizes[1] = {3};
    double scale = 0.5, results[3];
    uint8_t *buffers[3] = {(uint8_t *)places, (uint8_t *)&scale, (uint8_t *)results};
    int32_t status = lookup(buffers, sizes, 0);
    printf("%d %g %g %g\n", status, results[0], results[1], results[2]);
    places[1] = 7;
    printf("%d\n", lookup(buffers, sizes, 0));
    return 0;
}
"#;

fn lookup() -> Func {
    let text = "func @lookup(n) {
       input P: i64[n]
       input s: f64
       output Y: f64[n]
       table T: f64[3] = {1.5, 2.5, 4.0}
       site 0 \"in range\"
       for i in 0..n {
         check P[i] < 3 site 0
         Y[i] = T[min(P[i], 2)] * s
       }
     }";
    let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}"));
    func
}

#[test]
fn objects_carry_their_recipe() {
    let target = Target { recipe: Some("tcc-recipe 1\nfuel = 3\n".into()), ..Target::default() };
    let object = cranelift::emit(&lookup(), EmitKind::Object, &target).expect("emits");
    let holds = |text: &str| object.as_bytes().windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds(tcc_backends::RECIPE_SECTION) && holds("tcc-recipe 1\nfuel = 3\n"));
}

#[test]
fn objects_link_and_run_without_us() {
    let func = lookup();
    let object = cranelift::emit(&func, EmitKind::Object, &Target::default()).expect("emits");
    let scratch = Scratch::new("object");
    let path = |name: &str| scratch.0.join(name);
    std::fs::write(path("lookup.o"), object.as_bytes()).expect("written");
    std::fs::write(path("main.c"), MAIN).expect("written");
    let linked = Command::new("cc")
        .args([path("main.c"), path("lookup.o")])
        .arg("-o")
        .arg(path("main"))
        .output()
        .expect("a C compiler called cc");
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let run = Command::new(path("main")).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&run.stdout), "0 2 0.75 1.25\n1\n");
}
