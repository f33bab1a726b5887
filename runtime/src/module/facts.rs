//! What the syntax of a source says about how it is to be run.

use oxc_ast::ast::{
    ArrowFunctionExpression, AssignmentExpression, AssignmentTarget, AwaitExpression, CallExpression,
    Expression, ForOfStatement, Function, IdentifierReference, ObjectExpression, ObjectPropertyKind, Program,
    ReturnStatement, StaticMemberExpression,
};
use oxc_ast_visit::{Visit, walk};
use oxc_syntax::scope::ScopeFlags;

/// What was seen.
#[derive(Default)]
pub(super) struct Facts {
    /// `await` outside of any function.
    pub(super) top_level_await: bool,
    /// `return` outside of any function.
    pub(super) top_level_return: bool,
    /// `require`, `module`, `exports`, `__dirname` or `__filename` is used.
    pub(super) uses_common_js: bool,
    /// Names given to `exports` or in an object given to `module.exports`.
    pub(super) exports: Vec<String>,
    depth: u32,
}

impl Facts {
    pub(super) fn of(program: &Program<'_>) -> Facts {
        let mut facts = Facts::default();
        facts.visit_program(program);
        facts
    }

    fn add_export(&mut self, name: &str) {
        if !self.exports.iter().any(|known| known == name) {
            self.exports.push(name.to_owned());
        }
    }

    /// `module.exports = { a, b }`.
    fn add_keys(&mut self, object: &ObjectExpression<'_>) {
        for property in &object.properties {
            if let ObjectPropertyKind::ObjectProperty(property) = property
                && let Some(name) = property.key.static_name()
            {
                self.add_export(&name);
            }
        }
    }
}

impl<'a> Visit<'a> for Facts {
    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        self.depth += 1;
        walk::walk_function(self, it, flags);
        self.depth -= 1;
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.depth += 1;
        walk::walk_arrow_function_expression(self, it);
        self.depth -= 1;
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        self.top_level_return |= self.depth == 0;
        walk::walk_return_statement(self, it);
    }

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        self.top_level_await |= self.depth == 0;
        walk::walk_await_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        self.top_level_await |= self.depth == 0 && it.r#await;
        walk::walk_for_of_statement(self, it);
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.uses_common_js |=
            matches!(it.name.as_str(), "require" | "module" | "exports" | "__dirname" | "__filename");
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        match &it.left {
            AssignmentTarget::StaticMemberExpression(member) if is_exports(&member.object) => {
                self.add_export(member.property.name.as_str());
            }
            AssignmentTarget::StaticMemberExpression(member) if is_module_exports(member) => {
                if let Expression::ObjectExpression(object) = &it.right {
                    self.add_keys(object);
                }
            }
            _ => {}
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        // `Object.defineProperty(exports, "name", …)`, as compilers write it.
        if let Expression::StaticMemberExpression(callee) = &it.callee
            && callee.property.name == "defineProperty"
            && let [target, name, ..] = it.arguments.as_slice()
            && target.as_expression().is_some_and(is_exports)
            && let Some(Expression::StringLiteral(name)) = name.as_expression()
        {
            self.add_export(name.value.as_str());
        }
        walk::walk_call_expression(self, it);
    }
}

/// `exports` or `module.exports`.
fn is_exports(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::Identifier(name) => name.name == "exports",
        Expression::StaticMemberExpression(member) => is_module_exports(member),
        _ => false,
    }
}

fn is_module_exports(member: &StaticMemberExpression<'_>) -> bool {
    member.property.name == "exports"
        && matches!(&member.object, Expression::Identifier(name) if name.name == "module")
}
