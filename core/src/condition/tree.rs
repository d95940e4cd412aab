//! The syntax tree of a condition: how it travels in the bundle, and what may be in it.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::operators::{
    ADD, CONDITIONAL, EQUALS, IN, INDEX, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, NOT_STRICTLY_FALSE,
};
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
    SelectExpr,
};
use serde::{Deserialize, Serialize};

use super::functions;
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
    /// A loop gathers something else than CEL's macros do.
    #[error("has a loop that is none of all, exists, exists_one, map, filter")]
    OddLoop,
    /// Each round of a loop over the one list would go through the other.
    #[error("goes through person.groups for each item of another list")]
    GroupsInLoop,
    /// It names what there is not.
    #[error("knows no {0}")]
    UnknownName(String),
    /// It calls what there is not.
    #[error("calls {name} with {arguments} argument(s), and there is no such function")]
    UnknownFunction {
        /// The function, with a dot before it when it is called on a value.
        name: String,
        /// How many arguments it is given.
        arguments: usize,
    },
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
    /// Groups of the person, by name.
    pub(super) groups: BTreeSet<String>,
    /// Whether any group of the person may matter.
    pub(super) all_groups: bool,
    /// Whether the source address is asked for.
    pub(super) source: bool,
    /// Whether the time is asked for.
    pub(super) time: bool,
}

impl Survey {
    pub(super) fn of(tree: &IdedExpr) -> Result<Self, UnusableTree> {
        let mut surveyor = Surveyor { survey: Self::default(), nodes: 0, around: None };
        surveyor.visit(tree, 0)?;
        Ok(surveyor.survey)
    }
}

struct Surveyor<'t> {
    survey: Survey,
    nodes: usize,
    /// The loop around.
    around: Option<Around<'t>>,
}

/// A loop around a part.
struct Around<'t> {
    variables: [&'t str; 2],
    /// Whether it goes over a list that is written out, which is short.
    is_short: bool,
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
                Some(name) => {
                    // Each field is a part of its own, within the one before.
                    let fields = name.matches('.').count();
                    self.nodes = self.nodes.saturating_add(fields);
                    if self.nodes > MAX_NODES || depth.saturating_add(fields) > MAX_DEPTH {
                        return Err(UnusableTree::TooLarge);
                    }
                    self.name(&name)
                }
                None => self.visit(&select.operand, below),
            },
            Expr::Call(call) => self.visit_call(call, below),
            Expr::Comprehension(each) => self.visit_loop(each, below),
            Expr::Struct(_) => Err(UnusableTree::Construct("a message")),
            Expr::Unspecified => Err(UnusableTree::Construct("an empty part")),
        }
    }

    fn visit_call(&mut self, call: &'t CallExpr, depth: usize) -> Result<(), UnusableTree> {
        if !functions::exists(&call.func_name, call.target.is_some(), call.args.len()) {
            let dot = if call.target.is_some() { "." } else { "" };
            let name = format!("{dot}{}", call.func_name);
            return Err(UnusableTree::UnknownFunction { name, arguments: call.args.len() });
        }
        match item_of(call) {
            Some(("person.claims", claim)) => {
                self.survey.claims.insert(claim.to_owned());
                return Ok(());
            }
            Some(("person.groups", group)) if call.func_name == IN => {
                self.survey.groups.insert(group.to_owned());
                return self.check_groups_here();
            }
            _ => {}
        }
        call.target.as_deref().into_iter().chain(&call.args).try_for_each(|part| self.visit(part, depth))
    }

    /// Loops may grow what they gather by one item a round, as those do that CEL's macros make, and no faster.
    fn visit_loop(&mut self, each: &'t ComprehensionExpr, depth: usize) -> Result<(), UnusableTree> {
        if self.around.is_some() {
            return Err(UnusableTree::NestedLoop);
        }
        if each.iter_var2.is_some() {
            return Err(UnusableTree::Construct("a loop over two variables"));
        }
        if !is_macro(each) {
            return Err(UnusableTree::OddLoop);
        }
        self.visit(&each.iter_range, depth)?;
        self.visit(&each.accu_init, depth)?;
        let is_short = matches!(each.iter_range.expr, Expr::List(_));
        self.around = Some(Around { variables: [&each.iter_var, &each.accu_var], is_short });
        for part in [&each.loop_cond, &each.loop_step, &each.result] {
            self.visit(part, depth)?;
        }
        self.around = None;
        Ok(())
    }

    /// A person may have thousands of groups, so that going through them a thousand times is not to be had.
    fn check_groups_here(&self) -> Result<(), UnusableTree> {
        if self.around.as_ref().is_some_and(|around| !around.is_short) {
            return Err(UnusableTree::GroupsInLoop);
        }
        Ok(())
    }

    /// A name, with the fields selected on it.
    fn name(&mut self, name: &str) -> Result<(), UnusableTree> {
        let root = name.split('.').next().unwrap_or_default();
        if self.around.as_ref().is_some_and(|around| around.variables.contains(&root)) {
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
        self.survey.time |= root == "now";
        if name == "person.groups" {
            self.survey.all_groups = true;
            self.check_groups_here()?;
        }
        Ok(())
    }
}

/// Whether a loop is one that a macro makes.
fn is_macro(each: &ComprehensionExpr) -> bool {
    let is_result = |tree: &IdedExpr| matches!(&tree.expr, Expr::Ident(name) if *name == each.accu_var);
    let begins = match &each.accu_init.expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.is_empty(),
        _ => false,
    };
    let goes_on = match &each.loop_cond.expr {
        Expr::Literal(_) => true,
        Expr::Call(call) if call.func_name == NOT_STRICTLY_FALSE => match call.args.as_slice() {
            [part] => is_result(part) || arguments(part, LOGICAL_NOT).is_some_and(|parts| parts.iter().all(is_result)),
            _ => false,
        },
        _ => false,
    };
    let ends = is_result(&each.result)
        || arguments(&each.result, EQUALS).is_some_and(
            |parts| matches!(parts, [result, one] if is_result(result) && matches!(one.expr, Expr::Literal(_))),
        );
    begins && goes_on && ends && is_step(&each.loop_step, &each.accu_var)
}

/// Whether a step keeps what was gathered, or adds one item, one count, or one more thing that must or may hold.
fn is_step(step: &IdedExpr, result: &str) -> bool {
    let is_result = |tree: &IdedExpr| matches!(&tree.expr, Expr::Ident(name) if name == result);
    let Expr::Call(call) = &step.expr else { return is_result(step) };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (CONDITIONAL, [condition, then, otherwise]) => {
            !mentions(condition, result) && is_step(then, result) && is_step(otherwise, result)
        }
        (LOGICAL_AND | LOGICAL_OR, [before, more]) => is_result(before) && !mentions(more, result),
        (ADD, [before, more]) => {
            let is_one = match &more.expr {
                Expr::List(list) => list.elements.len() == 1,
                Expr::Literal(LiteralValue::Int(_)) => true,
                _ => false,
            };
            is_result(before) && is_one && !mentions(more, result)
        }
        _ => false,
    }
}

fn arguments<'t>(tree: &'t IdedExpr, function: &str) -> Option<&'t [IdedExpr]> {
    match &tree.expr {
        Expr::Call(call) if call.func_name == function => Some(&call.args),
        _ => None,
    }
}

/// Whether a name stands anywhere in a tree.
fn mentions(tree: &IdedExpr, name: &str) -> bool {
    let within = |tree: &IdedExpr| mentions(tree, name);
    match &tree.expr {
        Expr::Ident(ident) => ident == name,
        Expr::List(list) => list.elements.iter().any(within),
        Expr::Map(map) => map.entries.iter().any(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => within(&entry.key) || within(&entry.value),
            EntryExpr::StructField(field) => within(&field.value),
        }),
        Expr::Select(select) => within(&select.operand),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).any(within),
        // One loop in another is refused anyway.
        Expr::Comprehension(_) | Expr::Struct(_) => true,
        Expr::Literal(_) | Expr::Unspecified => false,
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

/// The variable and the text of `variable["text"]` and `"text" in variable`.
fn item_of(call: &CallExpr) -> Option<(&'static str, &str)> {
    let [first, second] = call.args.as_slice() else { return None };
    let (variable, item) = match call.func_name.as_str() {
        INDEX => (first, second),
        IN => (second, first),
        _ => return None,
    };
    let Expr::Literal(LiteralValue::String(item)) = &item.expr else { return None };
    let variable = dotted(variable)?;
    let known = ["person.claims", "person.groups"].into_iter().find(|known| *known == variable)?;
    Some((known, item.inner()))
}
