//! A short campaign.
use tcc_fuzz::{Case, Effort, check};

#[test]
fn a_case_holds() {
    let text = "test fuzz = \"canonicalize, saturate | tile(4), expand_math, reuse_buffers\"\nsize n = 4\n\ngraph @g(n; %x: f32[i:n]) {\n  %0 = neg %x : f32[i:n]\n  %1 = sum[i] %0 : f32\n  return y = %1[]\n}\n";
    let case: Case = text.parse().expect("a case");
    let (trace, verdict) = check(&case, Effort::All);
    assert_eq!(verdict.finding, None);
    assert!(trace.stages.len() > 2);
}
