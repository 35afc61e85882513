//! Sessions of the command line: what the transcripts in `tests/cli` show is what happens.

#[test]
fn transcripts() {
    trycmd::TestCases::new().env("NO_COLOR", "1").env("TCC_CACHE", "off").case("tests/cli/*.trycmd");
}
