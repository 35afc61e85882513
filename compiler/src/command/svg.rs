//! Pictures as SVG text: a handful of shapes, each a line.

use std::fmt::Write;

/// A picture that is being drawn.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// How a text stands at its place.
#[derive(Clone, Copy)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred.
    Middle,
    /// It ends there.
    End,
}

impl Svg {
    /// An empty picture of so many pixels.
    pub fn new(width: f64, height: f64) -> Svg {
        Svg { width, height, body: String::new() }
    }

    fn add(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(line);
        self.body.push('\n');
    }

    /// A straight line; `style` is SVG attributes.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {style}/>"#));
    }

    /// A rectangle with round corners.
    pub fn rect(&mut self, corner: (f64, f64), size: (f64, f64), style: &str) {
        let ((x, y), (w, h)) = (corner, size);
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" rx="4" {style}/>"#
        ));
    }

    /// A circle.
    pub fn circle(&mut self, centre: (f64, f64), radius: f64, style: &str) {
        let (x, y) = centre;
        self.add(format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" {style}/>"#));
    }

    /// A curve that leaves and enters its points vertically.
    pub fn curve(&mut self, points: &[(f64, f64)], style: &str) {
        let Some((first, rest)) = points.split_first() else { return };
        let mut path = format!("M{:.1} {:.1}", first.0, first.1);
        let mut from = *first;
        for &to in rest {
            let bend = (to.1 - from.1) / 2.0;
            let _ = write!(
                path,
                " C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
                from.0,
                from.1 + bend,
                to.0,
                to.1 - bend,
                to.0,
                to.1
            );
            from = to;
        }
        self.add(format_args!(r#"<path d="{path}" fill="none" {style}/>"#));
    }

    /// A line of text.
    pub fn text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, text: &str, style: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let ((x, y), text) = (at, escape(text));
        self.add(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" {style}>{text}</text>"#
        ));
    }

    /// The file.
    pub fn finish(self, title: &str) -> String {
        let Svg { width, height, body } = self;
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans, Arial, sans-serif\">\n\
             <title>{title}</title>\n\
             <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#555\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
        )
    }
}

/// Text as XML has it; control characters, which it has not, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_its_element() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text((1.0, 2.0), Anchor::Middle, 9.0, "a<b> & \"c\"\u{7}", "");
        let text = svg.finish("x</title>");
        assert!(text.contains("a&lt;b&gt; &amp; &quot;c&quot; </text>") && text.contains("x&lt;/title&gt;"));
    }
}
