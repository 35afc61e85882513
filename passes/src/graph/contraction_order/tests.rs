use super::network::{Network, Order, Place, union};
use super::search::{Method, search};
use super::*;
use crate::Contract;
use tcc_ir::{Domain, Dtype, Exact, Ir, Native, Tensor, Value};

/// Fixed pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }
}

/// A network from subscripts such as `ij,jk->ik`, all axes of the same extent.
fn network(subscripts: &str, extent: f64) -> Network {
    let (inputs, output) = subscripts.split_once("->").unwrap();
    let letters: std::collections::BTreeSet<char> = inputs.chars().filter(char::is_ascii_lowercase).collect();
    let letters: Vec<char> = letters.into_iter().collect();
    let axes = |text: &str| -> Vec<usize> {
        text.chars().map(|c| letters.iter().position(|letter| *letter == c).unwrap()).collect()
    };
    let mut output = axes(output);
    output.sort_unstable();
    let factors = inputs.split(',').map(axes).collect();
    Network::new(factors, output, vec![extent; letters.len()], Dtype::F64)
}

/// A random network: every axis joins one to three factors, some stay in the output.
fn random_network(random: &mut Random, factors: usize, axes: usize) -> Network {
    let mut of_factors = vec![Vec::new(); factors];
    let mut output = Vec::new();
    for axis in 0..axes {
        for _ in 0..1 + random.below(3) {
            let factor = &mut of_factors[random.below(factors)];
            if !factor.contains(&axis) {
                factor.push(axis);
            }
        }
        if random.below(4) == 0 {
            output.push(axis);
        }
    }
    let extents = (0..axes).map(|_| [2.0, 3.0, 8.0, 50.0][random.below(4)]).collect();
    Network::new(of_factors, output, extents, Dtype::F64)
}

/// A random graph in which every vertex has this degree (or one less), as a network of one tensor for
/// each vertex.
fn regular(random: &mut Random, vertices: usize, degree: usize, extent: f64) -> Network {
    let mut factors = vec![Vec::new(); vertices];
    let mut axes = 0;
    for _ in 0..vertices * degree * 10 {
        let (a, b) = (random.below(vertices), random.below(vertices));
        if a != b && factors[a].len() < degree && factors[b].len() < degree {
            factors[a].push(axes);
            factors[b].push(axes);
            axes += 1;
        }
    }
    Network::new(factors, Vec::new(), vec![extent; axes], Dtype::F64)
}

/// The least cost over all trees.
fn brute_force(network: &Network) -> f64 {
    fn extend(network: &Network, live: &[usize], steps: &mut Vec<(usize, usize)>, best: &mut f64) {
        if live.len() == 1 {
            *best = best.min(network.evaluate(&Order { steps: steps.clone() }).cost.cycles);
        }
        for i in 0..live.len() {
            for j in i + 1..live.len() {
                let mut next = live.to_vec();
                let right = next.remove(j);
                let left = next.remove(i);
                next.push(network.factors.len() + steps.len());
                steps.push((left, right));
                extend(network, &next, steps, best);
                steps.pop();
            }
        }
    }
    let mut best = f64::INFINITY;
    let all: Vec<usize> = (0..network.factors.len()).collect();
    extend(network, &all, &mut Vec::new(), &mut best);
    best
}

#[test]
fn few_factors_are_ordered_as_well_as_by_trying_everything() {
    let mut random = Random(1);
    for round in 0..60 {
        let (factors, axes) = (3 + round % 4, 3 + random.below(6));
        let network = random_network(&mut random, factors, axes);
        let found = search(&network);
        assert_eq!(found.method, Method::Exact);
        let (cost, best) = (network.evaluate(&found.order).cost.cycles, brute_force(&network));
        assert!((cost - best).abs() <= 1e-9 * best, "{network:?}: {cost} instead of {best}");
    }
}

/// The largest contraction of a homomorphism count takes n^(treewidth + 1) steps.
#[test]
fn homomorphisms_cost_n_to_the_treewidth_plus_one() {
    let cases = [
        ("ij,jk,ki->i", 3.0),
        ("ij,ik,kl,lj->ij", 3.0),
        ("ij,ik,il,jk,jl,kl->i", 4.0),
        ("ij,jk,kl,lm,mn,ni->i", 3.0),
        ("ij,ik,il,im,jk,jl,jm,kl,km,lm->i", 5.0),
        ("ab,bc,de,ef,gh,hi,ad,dg,be,eh,cf,fi->", 4.0),
    ];
    for (subscripts, exponent) in cases {
        let flops = |n: f64| {
            let network = network(subscripts, n);
            let evaluation = network.evaluate(&search(&network).order);
            let volume = |step: &network::Step| network.volume(&union(&step.axes, &step.summed));
            let largest = evaluation.steps.iter().map(volume).fold(0.0, f64::max);
            assert_eq!(largest, n.powf(exponent), "{subscripts}, n = {n}");
            evaluation.cost.flops
        };
        let sizes = [64.0, 256.0, 1024.0, 8192.0];
        for n in sizes {
            assert!(flops(n) < 20.0 * n.powf(exponent), "{subscripts}, n = {n}");
        }
        // From the largest size to twice as much the operations grow by that power, and no other.
        let growth = (flops(2.0 * sizes[3]) / flops(sizes[3])).log2();
        assert!((growth - exponent).abs() < 0.01, "{subscripts}: {growth}");
    }
}

#[test]
fn many_factors_take_polynomially_many_steps() {
    let steps = |count: usize| search(&regular(&mut Random(7), count, 3, 2.0)).steps;
    let (small, large) = (steps(250), steps(500));
    assert!(large < 4_000_000, "{large} steps");
    assert!(large < 6 * small.max(500_000), "{small} and {large} steps");
    // One axis that all factors share, and factors that share none.
    let star = Network::new(vec![vec![0]; 500], vec![], vec![4.0], Dtype::F64);
    assert!(search(&star).steps < 4_000_000);
    let loose = Network::new(
        (0..500).map(|axis| vec![axis]).collect(),
        (0..500).collect(),
        vec![1.5; 500],
        Dtype::F64,
    );
    let found = search(&loose);
    assert!(found.steps < 4_000_000);
    assert_eq!(found.order.steps.len(), 499);
}

#[test]
fn orders_are_complete_and_the_same_every_time() {
    let mut random = Random(3);
    for count in [13, 20, 30] {
        let network = regular(&mut random, count, 4, 3.0);
        let (first, second) = (search(&network), search(&network));
        assert_eq!(first, second);
        let mut used: Vec<usize> = first.order.steps.iter().flat_map(|&(a, b)| [a, b]).collect();
        used.sort_unstable();
        assert_eq!(used, (0..2 * count - 2).collect::<Vec<_>>());
        let greedy = greedy::search(&network, greedy::Variant { weight: 1.0, temperature: 0.0, seed: 0 }).0;
        assert!(network.evaluate(&first.order).cost.cycles <= network.evaluate(&greedy).cost.cycles);
    }
}

#[test]
fn what_waits_for_a_recurrence_is_not_combined_before_it() {
    let mut network = network("ta,ab,tb->t", 50.0);
    network.places = vec![Place::Waiting, Place::Waiting, Place::Stepping];
    let found = search(&network);
    assert_ne!(found.order.steps[0], (0, 1));
}

/// The text of a graph that multiplies a network with `mul` from left to right and sums once.
fn graph_of(network: &Network, dtype: &str) -> String {
    let axis = |axis: &usize| format!("a{axis}:{}", network.extents[*axis]);
    let names = |axes: &[usize]| axes.iter().map(axis).collect::<Vec<_>>().join(", ");
    let shape = |axes: &[usize]| match axes {
        [] => dtype.to_string(),
        axes => format!("{dtype}[{}]", names(axes)),
    };
    let factor = |i: usize| union(&network.factors[i], &network.alone[i]);
    let operands: Vec<String> =
        (0..network.factors.len()).map(|i| format!("%f{i}: {}", shape(&factor(i)))).collect();
    let mut text = format!("graph @network(; {}) {{\n", operands.join(", "));
    let (mut value, mut axes) = ("%f0".to_string(), factor(0));
    for i in 1..network.factors.len() {
        axes = union(&axes, &factor(i));
        text += &format!("  %{i} = mul {value}, %f{i} : {}\n", shape(&axes));
        value = format!("%{i}");
    }
    let summed: Vec<String> =
        axes.iter().filter(|axis| !network.output.contains(axis)).map(|axis| format!("a{axis}")).collect();
    if !summed.is_empty() {
        let sum = network.factors.len();
        text += &format!("  %{sum} y = sum[{}] {value} : {}\n", summed.join(", "), shape(&network.output));
        value = format!("%{sum}");
    }
    let kept: Vec<String> = network.output.iter().map(|axis| format!("a{axis}")).collect();
    text + &format!("  return y = {value}[{}]\n}}\n", kept.join(", "))
}

/// Random operands of a graph, made of small integers.
fn tensors<D: Domain>(
    graph: &Graph,
    random: &mut Random,
    number: impl Fn(i64) -> Value<D>,
) -> Vec<Tensor<D>> {
    let operand = |input: &tcc_ir::graph::Input| {
        let shape: Vec<usize> =
            input.ty.axes.iter().map(|axis| axis.extent.as_const().unwrap() as usize).collect();
        let data = (0..shape.iter().product()).map(|_| number(random.below(1000) as i64 - 500)).collect();
        Tensor::from_values(input.ty.dtype, &shape, data).unwrap()
    };
    graph.inputs.iter().map(operand).collect()
}

#[test]
fn trees_mean_the_same_as_the_products_in_a_ring() {
    let mut random = Random(11);
    let mut rewritten = 0;
    let none = tcc_ir::Bindings::new();
    for round in 0..40 {
        let (factors, axes) = (3 + round % 5, 2 + random.below(5));
        let mut network = random_network(&mut random, factors, axes);
        network.output.retain(|axis| network.factors.iter().any(|axes| axes.contains(axis)));
        network.extents.iter_mut().for_each(|extent| *extent = extent.min(4.0));
        for dtype in ["f64", "i64"] {
            let before: Graph = graph_of(&network, dtype).parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(before.verify(), Ok(()));
            let mut after = before.clone();
            let memory = [None, Some(64)][round % 2];
            // Sizes for which every tree pays.
            let facts = Facts::new(&after);
            let all = products(&after, &facts, &PassContext::default());
            let plans = all.into_iter().filter_map(|p| Plan::new(&before, &facts, p, memory));
            let plans: BTreeMap<_, _> = plans.map(|plan| (plan.product.root, plan)).collect();
            rewritten += plans.len();
            rewrite::rewrite(&mut after, &plans);
            assert_eq!(after.verify(), Ok(()), "{after}");
            if dtype == "f64" {
                let inputs =
                    tensors::<Exact>(&before, &mut random, |x| Value::Real(Exact::from_i64(x, Dtype::F64)));
                assert_eq!(
                    before.eval(&inputs, &none).unwrap(),
                    after.eval(&inputs, &none).unwrap(),
                    "{after}"
                );
            } else {
                let inputs = tensors::<Native>(&before, &mut random, |x| {
                    Value::Int(x.wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64))
                });
                assert_eq!(
                    before.eval(&inputs, &none).unwrap(),
                    after.eval(&inputs, &none).unwrap(),
                    "{after}"
                );
            }
        }
    }
    assert!(rewritten > 60, "only {rewritten} products");
}

#[test]
fn strict_floats_stay_and_no_fuel_changes_nothing() {
    let text = graph_of(&network("ij,jk,kl->il", 100.0), "f64");
    let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}"));
    let run_with = |context: PassContext| {
        let mut graph = graph.clone();
        let changed = run(&mut graph, &context);
        (changed, graph)
    };
    let strict = PassContext { contract: Contract::Strict, ..PassContext::default() };
    assert_eq!(run_with(strict), (Changed::No, graph.clone()));
    assert_eq!(run_with(PassContext::default().with_fuel(0)), (Changed::No, graph.clone()));
    assert_eq!(run_with(PassContext::default()).0, Changed::Yes);
}
