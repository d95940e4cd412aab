//! The syntax tree of a condition: how it travels in the bundle, and what may be in it.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
    SelectExpr,
};
use serde::{Deserialize, Serialize};

use super::variables::is_variable;

/// The most nodes of a tree.
pub const MAX_NODES: usize = 512;

/// How deep a tree may be.
pub const MAX_DEPTH: usize = 32;

/// Why a tree cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableTree {
    /// The text is too long.
    #[error("is longer than {} bytes", super::MAX_TEXT)]
    TooLong,
    /// It has too many nodes, or is too deep.
    #[error("has more than {MAX_NODES} parts, or more than {MAX_DEPTH} within each other")]
    TooLarge,
    /// A loop stands in a loop.
    #[error("has a loop (all, exists, exists_one, map, filter) inside of a loop")]
    NestedLoop,
    /// It names what there is not.
    #[error("knows no {0}")]
    UnknownName(String),
    /// It asks for a claim whose name is not written out.
    #[error("uses person.claims as a whole; write person.claims.NAME, or person.claims[\"NAME\"]")]
    Claims,
    /// It builds something that conditions have no use for.
    #[error("has {0}, which conditions do not know")]
    Construct(&'static str),
}

/// A node, as the bundle carries it. Every kind of CEL's own tree that conditions may have.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Ident(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Select(Box<Select>),
    Call(Box<Call>),
    Loop(Box<Loop>),
    /// What is in none of the above; never valid.
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Select {
    of: Node,
    field: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    with: Vec<Node>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loop {
    over: Node,
    item: String,
    result: String,
    first: Node,
    #[serde(rename = "while")]
    go_on: Node,
    step: Node,
    last: Node,
}

impl From<Node> for IdedExpr {
    fn from(node: Node) -> Self {
        let literal = Expr::Literal;
        let expr = match node {
            Node::Null => literal(LiteralValue::Null),
            Node::Bool(value) => literal(LiteralValue::Boolean(value.into())),
            Node::Int(value) => literal(LiteralValue::Int(value.into())),
            Node::Uint(value) => literal(LiteralValue::UInt(value.into())),
            Node::Double(value) => literal(LiteralValue::Double(value.into())),
            Node::Text(value) => literal(LiteralValue::String(value.into())),
            Node::Ident(name) => Expr::Ident(name),
            Node::List(items) => Expr::List(ListExpr::new(items.into_iter().map(Self::from).collect())),
            Node::Map(entries) => Expr::Map(MapExpr { entries: entries.into_iter().map(entry).collect() }),
            Node::Select(select) => {
                Expr::Select(SelectExpr { operand: Box::new(select.of.into()), field: select.field, test: select.test })
            }
            Node::Call(call) => Expr::Call(CallExpr {
                func_name: call.name,
                target: call.on.map(|target| Box::new(target.into())),
                args: call.with.into_iter().map(Self::from).collect(),
            }),
            Node::Loop(each) => Expr::Comprehension(Box::new(ComprehensionExpr {
                iter_range: each.over.into(),
                iter_var: each.item,
                iter_var2: None,
                accu_var: each.result,
                accu_init: each.first.into(),
                loop_cond: each.go_on.into(),
                loop_step: each.step.into(),
                result: each.last.into(),
            })),
            Node::Other => Expr::Unspecified,
        };
        Self { id: 0, expr }
    }
}

fn entry((key, value): (Node, Node)) -> IdedEntryExpr {
    let entry = MapEntryExpr { key: key.into(), value: value.into(), optional: false };
    IdedEntryExpr { id: 0, expr: EntryExpr::MapEntry(entry) }
}

impl From<&IdedExpr> for Node {
    fn from(tree: &IdedExpr) -> Self {
        match &tree.expr {
            Expr::Literal(LiteralValue::Null) => Self::Null,
            Expr::Literal(LiteralValue::Boolean(value)) => Self::Bool(*value.inner()),
            Expr::Literal(LiteralValue::Int(value)) => Self::Int(*value.inner()),
            Expr::Literal(LiteralValue::UInt(value)) => Self::Uint(*value.inner()),
            Expr::Literal(LiteralValue::Double(value)) => Self::Double(*value.inner()),
            Expr::Literal(LiteralValue::String(value)) => Self::Text(value.inner().to_owned()),
            Expr::Ident(name) => Self::Ident(name.clone()),
            Expr::List(list) => Self::List(list.elements.iter().map(Self::from).collect()),
            Expr::Map(map) => Self::Map(map.entries.iter().filter_map(from_entry).collect()),
            Expr::Select(select) => Self::Select(Box::new(Select {
                of: Self::from(select.operand.as_ref()),
                field: select.field.clone(),
                test: select.test,
            })),
            Expr::Call(call) => Self::Call(Box::new(Call {
                name: call.func_name.clone(),
                on: call.target.as_deref().map(Self::from),
                with: call.args.iter().map(Self::from).collect(),
            })),
            Expr::Comprehension(each) => Self::Loop(Box::new(Loop {
                over: Self::from(&each.iter_range),
                item: each.iter_var.clone(),
                result: each.accu_var.clone(),
                first: Self::from(&each.accu_init),
                go_on: Self::from(&each.loop_cond),
                step: Self::from(&each.loop_step),
                last: Self::from(&each.result),
            })),
            Expr::Literal(LiteralValue::Bytes(_)) | Expr::Struct(_) | Expr::Unspecified => Self::Other,
        }
    }
}

fn from_entry(entry: &IdedEntryExpr) -> Option<(Node, Node)> {
    match &entry.expr {
        EntryExpr::MapEntry(entry) => Some((Node::from(&entry.key), Node::from(&entry.value))),
        EntryExpr::StructField(_) => None,
    }
}

/// What a tree asks for. Made only of trees that may be evaluated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Claims of the person.
    pub(super) claims: BTreeSet<String>,
    /// Whether the source address is asked for.
    pub(super) source: bool,
}

impl Survey {
    pub(super) fn of(tree: &IdedExpr) -> Result<Self, UnusableTree> {
        let mut surveyor = Surveyor { survey: Self::default(), nodes: 0, locals: Vec::new() };
        surveyor.visit(tree, 0)?;
        Ok(surveyor.survey)
    }
}

struct Surveyor<'t> {
    survey: Survey,
    nodes: usize,
    /// The variables of the loop around.
    locals: Vec<&'t str>,
}

impl<'t> Surveyor<'t> {
    fn visit(&mut self, tree: &'t IdedExpr, depth: usize) -> Result<(), UnusableTree> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(UnusableTree::TooLarge);
        }
        let below = depth.saturating_add(1);
        match &tree.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => Err(UnusableTree::Construct("bytes")),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::List(list) if list.optional_indices.is_empty() => {
                list.elements.iter().try_for_each(|item| self.visit(item, below))
            }
            Expr::List(_) => Err(UnusableTree::Construct("optional items")),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) if !entry.optional => {
                    self.visit(&entry.key, below)?;
                    self.visit(&entry.value, below)
                }
                _ => Err(UnusableTree::Construct("optional entries")),
            }),
            Expr::Select(select) => match dotted(tree) {
                Some(name) => self.name(&name),
                None => self.visit(&select.operand, below),
            },
            Expr::Call(call) => match claim(call) {
                Some(claim) => {
                    self.survey.claims.insert(claim);
                    Ok(())
                }
                None => {
                    call.target.as_deref().into_iter().chain(&call.args).try_for_each(|part| self.visit(part, below))
                }
            },
            Expr::Comprehension(each) => self.visit_loop(each, below),
            Expr::Struct(_) => Err(UnusableTree::Construct("a message")),
            Expr::Unspecified => Err(UnusableTree::Construct("an empty part")),
        }
    }

    fn visit_loop(&mut self, each: &'t ComprehensionExpr, depth: usize) -> Result<(), UnusableTree> {
        if !self.locals.is_empty() {
            return Err(UnusableTree::NestedLoop);
        }
        if each.iter_var2.is_some() {
            return Err(UnusableTree::Construct("a loop over two variables"));
        }
        self.visit(&each.iter_range, depth)?;
        self.visit(&each.accu_init, depth)?;
        self.locals = vec![&each.iter_var, &each.accu_var];
        for part in [&each.loop_cond, &each.loop_step, &each.result] {
            self.visit(part, depth)?;
        }
        self.locals.clear();
        Ok(())
    }

    /// A name, with the fields selected on it.
    fn name(&mut self, name: &str) -> Result<(), UnusableTree> {
        let root = name.split('.').next().unwrap_or_default();
        if self.locals.contains(&root) {
            return Ok(());
        }
        if let Some(rest) = name.strip_prefix("person.claims.") {
            let claim = rest.split('.').next().unwrap_or_default();
            self.survey.claims.insert(claim.to_owned());
            return Ok(());
        }
        if name == "person.claims" {
            return Err(UnusableTree::Claims);
        }
        if !is_variable(name) {
            return Err(UnusableTree::UnknownName(name.to_owned()));
        }
        self.survey.source |= root == "source";
        Ok(())
    }
}

/// `a.b.c`, when a tree is nothing else; `has(a.b.c)` counts as `a.b.c`.
fn dotted(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", dotted(&select.operand)?, select.field)),
        _ => None,
    }
}

/// The claim of `person.claims["claim"]` and `"claim" in person.claims`.
fn claim(call: &CallExpr) -> Option<String> {
    use cel::common::ast::operators::{IN, INDEX};
    let [first, second] = call.args.as_slice() else { return None };
    let (claims, name) = match call.func_name.as_str() {
        INDEX => (first, second),
        IN => (second, first),
        _ => return None,
    };
    let Expr::Literal(LiteralValue::String(name)) = &name.expr else { return None };
    (dotted(claims).as_deref() == Some("person.claims")).then(|| name.inner().to_owned())
}
