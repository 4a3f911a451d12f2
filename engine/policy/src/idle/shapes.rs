//! The resources of a statement, ready to be compared with those of others.

use super::overlap::{Prover, Shape, Symbol, s3_arn, shape};
use crate::names::Target;
use crate::statement::{List, ResourcePattern};

/// The resources of a statement.
pub(super) struct Resources {
    negated: bool,
    listed: Vec<Cell>,
    /// What a `NotResource` list leaves: taken for everything.
    rest: [Cell; 1],
}

/// What one pattern stands for.
pub(super) struct Cell {
    shape: Shape,
    /// Condition keys without which it stands for nothing, folded.
    pub(super) needs: Vec<String>,
}

impl Resources {
    pub(super) fn new(list: &List<ResourcePattern>) -> Self {
        let listed =
            list.patterns.iter().map(|pattern| Cell { shape: shape(pattern), needs: needs(pattern) });
        Self {
            negated: list.negated,
            listed: listed.collect(),
            rest: [Cell { shape: None, needs: Vec::new() }],
        }
    }

    /// Together no fewer resources than the statement's.
    pub(super) fn cells(&self) -> &[Cell] {
        if self.negated { &self.rest } else { &self.listed }
    }

    /// Whether an Allow of these resources may be about one of `cell`.
    pub(super) fn may_meet(&self, cell: &Cell, prover: &mut Prover) -> bool {
        if self.negated {
            // What the list holds, the statement leaves out.
            !self.listed.iter().any(|left_out| prover.includes(&left_out.shape, &cell.shape))
        } else {
            self.listed.iter().any(|listed| !prover.disjoint(&listed.shape, &cell.shape))
        }
    }

    /// Whether a Deny of these resources is about all of `cell`.
    pub(super) fn covers(&self, cell: &Cell, prover: &mut Prover) -> bool {
        if self.negated {
            self.listed.iter().all(|spared| prover.disjoint(&spared.shape, &cell.shape))
        } else {
            self.listed.iter().any(|listed| prover.includes(&listed.shape, &cell.shape))
        }
    }
}

impl Cell {
    /// Whether it may be what an action works on.
    pub(super) fn may_be(&self, target: Target, prover: &mut Prover) -> bool {
        let Some(fields) = &self.shape else { return true };
        let resource = fields.last().map(Vec::as_slice).unwrap_or_default();
        if target == Target::Bucket && resource.contains(&Symbol::Char('/')) {
            return false;
        }
        let any = [Symbol::One, Symbol::Run];
        let object = [Symbol::One, Symbol::Run, Symbol::Char('/'), Symbol::One, Symbol::Run];
        let universe: &[Symbol] = if target == Target::Object { &object } else { &any };
        // Other actions work on other things than buckets and objects, about which nothing is said here.
        target == Target::Other || !prover.disjoint(&self.shape, &s3_arn(universe.iter().copied()))
    }

    /// Whether it may be the bucket or an object in it.
    pub(super) fn may_be_in(&self, bucket: &str, prover: &mut Prover) -> bool {
        let [bucket, objects] = in_bucket(bucket);
        !prover.disjoint(&self.shape, &bucket) || !prover.disjoint(&self.shape, &objects)
    }

    /// Whether it is the bucket or an object in it, and nothing else.
    pub(super) fn is_in(&self, bucket: &str, prover: &mut Prover) -> bool {
        in_bucket(bucket).iter().any(|place| prover.includes(place, &self.shape))
    }
}

fn in_bucket(bucket: &str) -> [Shape; 2] {
    let name = || bucket.chars().map(Symbol::Char);
    [s3_arn(name()), s3_arn(name().chain([Symbol::Char('/'), Symbol::Run]))]
}

fn needs(pattern: &ResourcePattern) -> Vec<String> {
    match pattern {
        ResourcePattern::Anything => Vec::new(),
        ResourcePattern::Arn(arn) => {
            arn.fields().iter().flat_map(|field| field.needed_variables()).map(str::to_owned).collect()
        }
    }
}
