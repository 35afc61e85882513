//! Places for the nodes of a picture: layers from top to bottom, so that every edge leads downwards.
//!
//! The classic steps: a layer for each node by the longest way to it; a place on the way for edges that
//! cross layers; an order within layers in which neighbours stand near each other, found by moving nodes
//! to the middle of their neighbours a few times; then coordinates.

/// Sweeps over the layers that improve their order.
const SWEEPS: usize = 12;

/// Above so many places on the way of edges, edges go straight.
const MOST_BENDS: usize = 20_000;

/// Space between nodes of a layer, and between layers, in pixels.
const BESIDE: f64 = 22.0;
const BETWEEN: f64 = 44.0;

/// Where everything is, in pixels.
pub struct Layout {
    /// The centre of each node.
    pub nodes: Vec<(f64, f64)>,
    /// The points through which each edge goes, from the lower side of one node to the upper side of the
    /// other.
    pub edges: Vec<Vec<(f64, f64)>>,
    /// Size of the whole picture.
    pub width: f64,
    /// Size of the whole picture.
    pub height: f64,
}

/// Lays out nodes of these sizes; edges lead from smaller to larger numbers. If the nodes are `ordered`,
/// smaller numbers stand left of larger ones.
pub fn layered(sizes: &[(f64, f64)], edges: &[(usize, usize)], ordered: bool) -> Layout {
    let layers = layers(sizes.len(), edges);
    let bends: usize = edges.iter().map(|&(a, b)| layers[b].saturating_sub(layers[a] + 1)).sum();
    let bend = bends <= MOST_BENDS;
    // Vertices: the nodes, then the places on the way of edges.
    let mut width: Vec<f64> = sizes.iter().map(|size| size.0).collect();
    let mut layer = layers.clone();
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for &(a, b) in edges {
        let mut chain = vec![a];
        if bend {
            for between in layers[a] + 1..layers[b] {
                chain.push(width.len());
                width.push(2.0);
                layer.push(between);
            }
        }
        chain.push(b);
        chains.push(chain);
    }
    let (mut above, mut below) = (vec![Vec::new(); width.len()], vec![Vec::new(); width.len()]);
    for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
        below[pair[0]].push(pair[1]);
        above[pair[1]].push(pair[0]);
    }
    let count = layer.iter().max().map_or(0, |last| last + 1);
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (vertex, &layer) in layer.iter().enumerate() {
        order[layer].push(vertex);
    }
    let mut x = vec![0.0; width.len()];
    order.iter().for_each(|row| spread(row, &width, &mut x));
    for sweep in 0..SWEEPS {
        let downwards = sweep % 2 == 0;
        let neighbours = if downwards { &above } else { &below };
        for at in 0..count {
            let row = &mut order[if downwards { at } else { count - 1 - at }];
            arrange(row, neighbours, &width, ordered, &mut x);
        }
    }
    place(sizes, &chains, &order, &layer, &width, &x)
}

/// The number of the layer of each node: one more than the largest before it.
fn layers(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for &(a, b) in edges {
        after[a].push(b);
    }
    let mut layers: Vec<usize> = vec![0; nodes];
    for node in 0..nodes {
        for &next in &after[node] {
            layers[next] = layers[next].max(layers[node] + 1);
        }
    }
    // What only feeds others stands right above the first of them.
    let mut before = vec![0; nodes];
    edges.iter().for_each(|&(_, b)| before[b] += 1);
    for node in (0..nodes).filter(|&node| before[node] == 0) {
        let first = after[node].iter().map(|&next| layers[next]).min();
        layers[node] = first.map_or(layers[node], |first| first.saturating_sub(1));
    }
    layers
}

/// Stands a row side by side, around 0.
fn spread(row: &[usize], width: &[f64], x: &mut [f64]) {
    let total: f64 = row.iter().map(|&v| width[v] + BESIDE).sum();
    let mut left = -total / 2.0;
    for &vertex in row {
        x[vertex] = left + (width[vertex] + BESIDE) / 2.0;
        left += width[vertex] + BESIDE;
    }
}

/// Orders a row by the middle of the neighbours of its vertices, and moves it there as far as they have
/// room.
fn arrange(row: &mut [usize], neighbours: &[Vec<usize>], width: &[f64], ordered: bool, x: &mut [f64]) {
    let middle = |vertex: usize, x: &[f64]| {
        let all = &neighbours[vertex];
        match all.len() {
            0 => x[vertex],
            count => all.iter().map(|&other| x[other]).sum::<f64>() / count as f64,
        }
    };
    let wanted: Vec<(f64, usize)> = row.iter().map(|&vertex| (middle(vertex, x), vertex)).collect();
    let mut sorted = wanted;
    if !ordered {
        // Equal middles keep their order.
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    for (slot, (_, vertex)) in row.iter_mut().zip(&sorted) {
        *slot = *vertex;
    }
    // Pushed apart from left to right, then moved together so that nobody is pushed far on average.
    let mut right = f64::NEG_INFINITY;
    let mut shift = 0.0;
    for &(wanted, vertex) in &sorted {
        let half = (width[vertex] + BESIDE) / 2.0;
        x[vertex] = wanted.max(right + half);
        right = x[vertex] + half;
        shift += wanted - x[vertex];
    }
    let shift = shift / sorted.len().max(1) as f64;
    row.iter().for_each(|&vertex| x[vertex] += shift);
}

fn place(
    sizes: &[(f64, f64)],
    chains: &[Vec<usize>],
    order: &[Vec<usize>],
    layer: &[usize],
    width: &[f64],
    x: &[f64],
) -> Layout {
    let left = (0..width.len()).map(|v| x[v] - width[v] / 2.0).fold(f64::INFINITY, f64::min);
    let right = (0..width.len()).map(|v| x[v] + width[v] / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let (left, right) = if width.is_empty() { (0.0, 0.0) } else { (left, right) };
    let mut top = BESIDE;
    let mut middles = Vec::new();
    for row in order {
        let tallest =
            row.iter().filter_map(|&vertex| sizes.get(vertex)).map(|size| size.1).fold(0.0, f64::max);
        middles.push(top + tallest / 2.0);
        top += tallest + BETWEEN;
    }
    let centre = |vertex: usize| (x[vertex] - left + BESIDE, middles[layer[vertex]]);
    let edge = |chain: &Vec<usize>| {
        let mut points: Vec<(f64, f64)> = chain.iter().map(|&vertex| centre(vertex)).collect();
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        points[0].1 += sizes[first].1 / 2.0;
        let end = points.len() - 1;
        points[end].1 -= sizes[last].1 / 2.0;
        points
    };
    Layout {
        nodes: (0..sizes.len()).map(centre).collect(),
        edges: chains.iter().map(edge).collect(),
        width: right - left + 2.0 * BESIDE,
        height: (top - BETWEEN + BESIDE).max(2.0 * BESIDE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lead_downwards_and_nodes_do_not_overlap() {
        // A ladder with long edges.
        let count = 60;
        let sizes: Vec<(f64, f64)> = (0..count).map(|n| (40.0 + (n * 7 % 50) as f64, 30.0)).collect();
        let mut edges = Vec::new();
        for node in 2..count {
            edges.push((node - 1, node));
            edges.push((node / 3, node));
        }
        let layout = layered(&sizes, &edges, false);
        for points in &layout.edges {
            assert!(points.windows(2).all(|pair| pair[0].1 < pair[1].1), "{points:?}");
        }
        for a in 0..count {
            for b in 0..a {
                let (p, q) = (layout.nodes[a], layout.nodes[b]);
                let apart = (p.0 - q.0).abs() >= (sizes[a].0 + sizes[b].0) / 2.0
                    || (p.1 - q.1).abs() >= (sizes[a].1 + sizes[b].1) / 2.0;
                assert!(apart, "{a} and {b}");
            }
            assert!((0.0..=layout.width).contains(&layout.nodes[a].0));
            assert!((0.0..=layout.height).contains(&layout.nodes[a].1));
        }
    }

    #[test]
    fn nothing_and_one_node_are_pictures_too() {
        assert!(layered(&[], &[], false).height > 0.0);
        assert_eq!(layered(&[(10.0, 10.0)], &[], true).nodes.len(), 1);
    }
}
