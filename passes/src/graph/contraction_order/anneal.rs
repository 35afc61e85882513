//! Improving an order by many small changes: simulated annealing of its tree.
//!
//! A change turns `(a b) d` into `(a d) b`. It touches two contractions, so it is judged by what these cost
//! before and after. At first changes for the worse are common, then rarer and rarer (S. Kalachev, P.
//! Panteleev and M.-H. Yung, *Multi-tensor contraction for XEB verification of quantum circuits*, 2021).
//! All numbers come from a fixed sequence.

use super::network::{Network, Order, Place, step_cost};

/// Sets of axes have so many words; larger networks are not annealed.
const WORDS: usize = 4;
/// How cold it is at first and in the end: a change that multiplies the cost of two contractions by e is made
/// with the probability exp(-coldness).
const COLDNESS: (f64, f64) = (0.3, 12.0);

/// A set of axes, one bit each.
type Axes = [u64; WORDS];

fn both(a: Axes, b: Axes) -> Axes {
    std::array::from_fn(|word| a[word] | b[word])
}

fn common(a: Axes, b: Axes) -> Axes {
    std::array::from_fn(|word| a[word] & b[word])
}

/// A node of the tree: factors first, then one for each step.
#[derive(Clone, Copy)]
struct Node {
    /// `None` for factors.
    children: Option<[usize; 2]>,
    /// The axes that are needed outside.
    axes: Axes,
    volume: f64,
    place: Place,
    /// Cycles of its contraction.
    cycles: f64,
}

struct Annealing<'a> {
    network: &'a Network,
    nodes: Vec<Node>,
    /// Volumes of sets of eight axes: 256 for each byte of a set.
    volumes: Vec<f64>,
    random: u64,
}

/// The order after so many changes were considered, which may be a worse one; `None` if the network is too
/// large.
pub fn search(network: &Network, order: &Order, seed: u64, changes: u64) -> Option<Order> {
    let mut annealing = Annealing::new(network, order, seed)?;
    let (count, nodes) = (network.factors.len(), annealing.nodes.len());
    let inner = nodes.checked_sub(count).filter(|inner| *inner > 1)?;
    let (first, last): (f64, f64) = COLDNESS;
    for change in 0..changes {
        let progress = change as f64 / changes as f64;
        let coldness = first * (last / first).powf(progress);
        let node = count + annealing.draw(inner as u64) as usize;
        annealing.change(node, coldness);
    }
    Some(annealing.order())
}

impl Annealing<'_> {
    fn new<'a>(network: &'a Network, order: &Order, seed: u64) -> Option<Annealing<'a>> {
        if network.extents.len() > 64 * WORDS {
            return None;
        }
        let mut volumes = vec![1.0; network.extents.len().div_ceil(8) * 256];
        for (axis, extent) in network.extents.iter().enumerate() {
            let table = &mut volumes[axis / 8 * 256..][..256];
            let with = table.iter_mut().enumerate().filter(|(set, _)| set >> (axis % 8) & 1 == 1);
            with.for_each(|(_, volume)| *volume *= extent);
        }
        let set = |axes: &[usize]| {
            let mut set: Axes = [0; WORDS];
            axes.iter().for_each(|&axis| set[axis / 64] |= 1 << (axis % 64));
            set
        };
        let factors = network.factors.iter().zip(&network.places).map(|(axes, &place)| Node {
            children: None,
            axes: set(axes),
            volume: network.volume(axes),
            place,
            cycles: 0.0,
        });
        let mut nodes: Vec<Node> = factors.collect();
        for step in network.evaluate(order).steps {
            let (left, right) = step.operands;
            nodes.push(Node {
                children: Some([left, right]),
                axes: set(&step.axes),
                volume: network.volume(&step.axes),
                place: nodes[left].place.join(nodes[right].place)?,
                cycles: step.cost.cycles,
            });
        }
        // Any odd number gives another sequence.
        Some(Annealing { network, nodes, volumes, random: seed.wrapping_mul(2).wrapping_add(1) })
    }

    /// A pseudo-random number below `bound`.
    fn draw(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.random >> 33) % bound
    }

    fn volume(&self, axes: Axes) -> f64 {
        let tables = self.volumes.chunks_exact(256);
        let bytes = (0..tables.len()).map(|byte| (axes[byte / 8] >> (byte % 8 * 8) & 255) as usize);
        tables.zip(bytes).map(|(table, byte)| table[byte]).product()
    }

    /// What the product of two nodes costs if the result has the axes `axes`.
    fn cycles(&self, left: &Node, right: &Node, axes: Axes, volume: f64) -> f64 {
        let all = both(left.axes, right.axes);
        let sums = common(all, axes) != all;
        let network = self.network;
        step_cost(network.dtype, self.volume(all), left.volume, right.volume, volume, sums).cycles
    }

    /// Considers one change below a node.
    fn change(&mut self, node: usize, coldness: f64) {
        let choice = self.draw(4) as usize;
        let Some(mut children) = self.nodes[node].children else { return };
        if choice & 1 == 1 {
            children.swap(0, 1);
        }
        if self.nodes[children[0]].children.is_none() {
            children.swap(0, 1);
        }
        let [inner, far] = children;
        let Some(mut near) = self.nodes[inner].children else { return };
        if choice & 2 == 2 {
            near.swap(0, 1);
        }
        // (a b) d becomes (a d) b.
        let (top, old) = (self.nodes[node], self.nodes[inner]);
        let [a, b, d] = [near[0], near[1], far].map(|child| self.nodes[child]);
        let Some(place) = a.place.join(d.place) else { return };
        if place.join(b.place).is_none() {
            return;
        }
        let axes = common(both(a.axes, d.axes), both(b.axes, top.axes));
        let volume = self.volume(axes);
        let cycles = self.cycles(&a, &d, axes, volume);
        let changed = Node { children: Some([near[0], far]), axes, volume, place, cycles };
        let above = self.cycles(&changed, &b, top.axes, top.volume);
        let worse = ((cycles + above) / (old.cycles + top.cycles)).ln();
        let chance = self.draw(1 << 30) as f64 / (1u64 << 30) as f64;
        if worse <= 0.0 || chance < (-coldness * worse).exp() {
            self.nodes[inner] = changed;
            self.nodes[node] = Node { children: Some([inner, near[1]]), cycles: above, ..top };
        }
    }

    /// The steps of the tree, operands first.
    fn order(&self) -> Order {
        let children = |node: usize| self.nodes[node].children.map(|[left, right]| (left, right));
        Order::of_tree(self.network.factors.len(), self.nodes.len(), &children)
    }
}
