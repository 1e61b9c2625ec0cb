package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.List;

/** An expression of the few kinds that the slave's statements on its own schema use. */
interface SqlExpression {
    Object value(Scope scope);

    /** What an expression sees: a row, the rows of the statements around it, and the arguments. */
    record Scope(
            MemoryDatabase database, Relation relation, String alias, Object[] row, Object[] arguments, Scope outer) {
        Object column(String qualifier, String column) {
            for (Scope scope = this; scope != null; scope = scope.outer) {
                boolean mine = qualifier.isEmpty() || qualifier.equals(scope.alias);
                Integer index = mine && scope.relation != null ? scope.relation.indexes.get(column) : null;
                if (index != null) {
                    return scope.row[index];
                }
            }
            throw new IllegalStateException("no column " + column);
        }
    }

    /** Reads one expression; counts the question marks it meets. */
    static SqlExpression parse(SqlTokens in, int[] parameters) {
        SqlExpression left = conjunction(in, parameters);
        while (in.skip("OR")) {
            SqlExpression one = left;
            SqlExpression other = conjunction(in, parameters);
            left = scope -> isTrue(one, scope) || isTrue(other, scope);
        }
        return left;
    }

    private static SqlExpression conjunction(SqlTokens in, int[] parameters) {
        SqlExpression left = comparison(in, parameters);
        while (in.skip("AND")) {
            SqlExpression one = left;
            SqlExpression other = comparison(in, parameters);
            left = scope -> isTrue(one, scope) && isTrue(other, scope);
        }
        return left;
    }

    private static SqlExpression comparison(SqlTokens in, int[] parameters) {
        if (in.skip("NOT")) {
            SqlExpression negated = comparison(in, parameters);
            return scope -> !isTrue(negated, scope);
        }
        SqlExpression left = sum(in, parameters);
        if (in.skip("IS")) {
            boolean not = in.skip("NOT");
            in.expect("NULL");
            return scope -> (left.value(scope) == null) != not;
        }
        for (String operator : List.of("=", "<>", "<=", ">=", "<", ">")) {
            if (in.skip(operator)) {
                SqlExpression right = sum(in, parameters);
                return scope -> compare(operator, left.value(scope), right.value(scope));
            }
        }
        return left;
    }

    private static boolean compare(String operator, Object left, Object right) {
        if (left == null || right == null) {
            return false;
        }
        return switch (operator) {
            case "=" -> SqlValues.equal(left, right);
            case "<>" -> !SqlValues.equal(left, right);
            case "<=" -> SqlValues.compare(left, right) <= 0;
            case ">=" -> SqlValues.compare(left, right) >= 0;
            case "<" -> SqlValues.compare(left, right) < 0;
            default -> SqlValues.compare(left, right) > 0;
        };
    }

    private static SqlExpression sum(SqlTokens in, int[] parameters) {
        SqlExpression left = primary(in, parameters);
        while (in.is("+") || in.is("-")) {
            boolean minus = in.take().equals("-");
            SqlExpression one = left;
            SqlExpression other = primary(in, parameters);
            // Of times and intervals nothing is computed: the left side stands for the whole.
            left = scope -> one.value(scope) instanceof Number number
                    ? number.longValue() + (minus ? -1 : 1) * ((Number) other.value(scope)).longValue()
                    : one.value(scope);
        }
        return left;
    }

    private static SqlExpression primary(SqlTokens in, int[] parameters) {
        String token = in.take();
        char first = token.charAt(0);
        if (token.equals("?")) {
            int index = parameters[0]++;
            return scope -> scope.arguments()[index];
        }
        if (first == '\'') {
            String text = token.substring(1, token.length() - 1);
            return scope -> text;
        }
        if (Character.isDigit(first)) {
            Object number = Long.valueOf(token);
            return scope -> number;
        }
        if (token.equals("(")) {
            SqlExpression inner = parse(in, parameters);
            in.expect(")");
            return inner;
        }
        return switch (token.toUpperCase(java.util.Locale.ROOT)) {
            case "NULL" -> scope -> null;
            case "TRUE" -> scope -> Boolean.TRUE;
            case "FALSE" -> scope -> Boolean.FALSE;
            case "CASE" -> choice(in, parameters);
            case "EXISTS" -> exists(in, parameters);
            case "INTERVAL" -> {
                in.take();
                yield scope -> 0L;
            }
            default -> in.is("(") ? function(token, in, parameters) : column(token);
        };
    }

    private static SqlExpression column(String name) {
        int dot = name.indexOf('.');
        String qualifier = dot < 0 ? "" : name.substring(0, dot);
        String column = name.substring(dot + 1);
        return scope -> scope.column(qualifier, column);
    }

    private static SqlExpression choice(SqlTokens in, int[] parameters) {
        SqlExpression subject = in.is("WHEN") ? null : parse(in, parameters);
        List<SqlExpression> conditions = new ArrayList<>();
        List<SqlExpression> results = new ArrayList<>();
        while (in.skip("WHEN")) {
            SqlExpression when = parse(in, parameters);
            conditions.add(subject == null ? when : scope -> SqlValues.equal(subject.value(scope), when.value(scope)));
            in.expect("THEN");
            results.add(parse(in, parameters));
        }
        SqlExpression otherwise = in.skip("ELSE") ? parse(in, parameters) : scope -> null;
        in.expect("END");
        return scope -> {
            for (int i = 0; i < conditions.size(); i++) {
                if (isTrue(conditions.get(i), scope)) {
                    return results.get(i).value(scope);
                }
            }
            return otherwise.value(scope);
        };
    }

    private static SqlExpression exists(SqlTokens in, int[] parameters) {
        in.expect("(");
        in.expect("SELECT");
        while (!in.is("FROM")) {
            in.take();
        }
        in.expect("FROM");
        String table = in.take();
        String alias = in.is("WHERE") || in.is(")") ? table : in.take();
        SqlExpression where = in.skip("WHERE") ? parse(in, parameters) : scope -> Boolean.TRUE;
        in.expect(")");
        return scope -> {
            Relation relation = scope.database().relation(table);
            for (Object[] row : relation.rows) {
                if (isTrue(where, new Scope(scope.database(), relation, alias, row, scope.arguments(), scope))) {
                    return true;
                }
            }
            return false;
        };
    }

    private static SqlExpression function(String name, SqlTokens in, int[] parameters) {
        in.expect("(");
        List<SqlExpression> arguments = new ArrayList<>();
        while (!in.is(")")) {
            if (in.is("epoch") && in.isBehind("FROM")) {
                in.take();
                in.take();
            }
            arguments.add(parse(in, parameters));
            if (in.skip("*")) {
                arguments.add(parse(in, parameters));
            }
            in.skip(",");
        }
        in.expect(")");
        return switch (name) {
            case "coalesce" -> scope -> {
                for (SqlExpression argument : arguments) {
                    Object value = argument.value(scope);
                    if (value != null) {
                        return value;
                    }
                }
                return null;
            };
            case "count" -> scope -> 0L;
            default -> scope -> scope.database()
                    .function(
                            name, arguments.isEmpty() ? null : arguments.get(0).value(scope));
        };
    }

    static boolean isTrue(SqlExpression expression, Scope scope) {
        return Boolean.TRUE.equals(expression.value(scope));
    }
}
