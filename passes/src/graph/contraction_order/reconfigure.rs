//! Improving an order: small parts of its tree are ordered anew, exactly.
//!
//! A part is a node with what is below it down to a few nodes, the largest of which are opened first. A
//! part that is ordered better does not change what its root is, so gains add up.

use super::exact::{self, Problem};
use super::network::{Network, Order, Place, union};

/// Most leaves of a part.
const WINDOW: usize = 8;
/// Most times that all parts are looked at.
const ROUNDS: usize = 12;

/// A node of the tree of an order: factors first.
#[derive(Clone)]
struct Node {
    /// `None` for factors.
    children: Option<(usize, usize)>,
    /// The axes that are needed outside.
    axes: Vec<usize>,
    place: Place,
    /// Cycles of its contraction.
    cycles: f64,
    volume: f64,
}

/// A better order, or the same one; stops when `counter` has reached `limit`.
pub fn improve(network: &Network, order: &Order, counter: &mut u64, limit: u64) -> Order {
    let mut nodes = tree(network, order);
    let Some(root) = nodes.len().checked_sub(1) else { return order.clone() };
    for _ in 0..ROUNDS {
        let mut better = false;
        let mut waiting = vec![root];
        while let Some(node) = waiting.pop() {
            if *counter >= limit {
                return flatten(network, &nodes);
            }
            better |= reorder(network, &mut nodes, node, counter);
            waiting.extend(nodes[node].children.iter().flat_map(|&(left, right)| [left, right]));
        }
        if !better {
            break;
        }
    }
    flatten(network, &nodes)
}

fn tree(network: &Network, order: &Order) -> Vec<Node> {
    let factor = |(axes, &place): (&Vec<usize>, &Place)| Node {
        children: None,
        axes: axes.clone(),
        place,
        cycles: 0.0,
        volume: network.volume(axes),
    };
    let mut nodes: Vec<Node> = network.factors.iter().zip(&network.places).map(factor).collect();
    for (step, &(left, right)) in network.evaluate(order).steps.into_iter().zip(&order.steps) {
        let place = nodes[left].place.join(nodes[right].place).unwrap_or(Place::Waiting);
        let (cycles, volume) = (step.cost.cycles, network.volume(&step.axes));
        nodes.push(Node { children: Some((left, right)), axes: step.axes, place, cycles, volume });
    }
    nodes
}

/// Orders the part below `root` anew if that is cheaper. Inner nodes are used again, so that the root
/// keeps its number.
fn reorder(network: &Network, nodes: &mut [Node], root: usize, counter: &mut u64) -> bool {
    let Some((left, right)) = nodes[root].children else { return false };
    let (mut leaves, mut inner, mut cycles) = (vec![left, right], vec![root], nodes[root].cycles);
    while leaves.len() < WINDOW {
        let inner_leaf = |&position: &usize| nodes[leaves[position]].children.is_some();
        let largest = (0..leaves.len())
            .filter(inner_leaf)
            .max_by(|&a, &b| nodes[leaves[a]].volume.total_cmp(&nodes[leaves[b]].volume));
        let Some(position) = largest else { break };
        let node = leaves.swap_remove(position);
        inner.push(node);
        cycles += nodes[node].cycles;
        leaves.extend(nodes[node].children.iter().flat_map(|&(left, right)| [left, right]));
    }
    if leaves.len() < 3 {
        return false;
    }
    let kept = &nodes[root].axes;
    let problem = Problem {
        tensors: leaves.iter().map(|&leaf| nodes[leaf].axes.as_slice()).collect(),
        places: leaves.iter().map(|&leaf| nodes[leaf].place).collect(),
        extents: &network.extents,
        keeps: &|axis| kept.binary_search(&axis).is_ok(),
        dtype: network.dtype,
    };
    let Some((_, steps)) = exact::search(&problem, cycles * (1.0 - 1e-9), counter) else { return false };
    // The root is the last step; the other inner nodes take the other steps.
    let mut numbers = leaves.clone();
    inner.reverse();
    let positions: Vec<usize> = inner;
    for (&node, &(left, right)) in positions.iter().zip(&steps) {
        let (left, right) = (numbers[left], numbers[right]);
        nodes[node].children = Some((left, right));
        numbers.push(node);
    }
    settle(network, nodes, &leaves, &positions);
    true
}

/// Works out the axes and costs of the inner nodes of a part, given in the order of their steps.
fn settle(network: &Network, nodes: &mut [Node], leaves: &[usize], inner: &[usize]) {
    let Some(&root) = inner.last() else { return };
    let mut holders: Vec<(usize, usize)> = Vec::new();
    for &leaf in leaves {
        nodes[leaf].axes.iter().for_each(|&axis| match holders.binary_search_by_key(&axis, |h| h.0) {
            Ok(position) => holders[position].1 += 1,
            Err(position) => holders.insert(position, (axis, 1)),
        });
    }
    let kept = nodes[root].axes.clone();
    for &node in inner {
        let Some((left, right)) = nodes[node].children else { continue };
        let all = union(&nodes[left].axes, &nodes[right].axes);
        let mut axes = Vec::with_capacity(all.len());
        for &axis in &all {
            let both = [left, right].iter().all(|&n| nodes[n].axes.binary_search(&axis).is_ok());
            let Ok(position) = holders.binary_search_by_key(&axis, |h| h.0) else { continue };
            holders[position].1 -= usize::from(both);
            if holders[position].1 > 1 || kept.binary_search(&axis).is_ok() {
                axes.push(axis);
            }
        }
        let (volume, sums) = (network.volume(&axes), axes.len() < all.len());
        let (a, b) = (nodes[left].volume, nodes[right].volume);
        let cost = super::network::step_cost(network.dtype, network.volume(&all), a, b, volume, sums);
        let place = nodes[left].place.join(nodes[right].place).unwrap_or(Place::Waiting);
        nodes[node] = Node { children: Some((left, right)), axes, place, cycles: cost.cycles, volume };
    }
}

/// The steps of a tree.
fn flatten(network: &Network, nodes: &[Node]) -> Order {
    Order::of_tree(network.factors.len(), nodes.len(), &|node| nodes[node].children)
}
