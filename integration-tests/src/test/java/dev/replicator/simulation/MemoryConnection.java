package dev.replicator.simulation;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** JDBC as far as the slave's code uses it, over a {@link MemoryDatabase}. */
final class MemoryConnection {
    private static final int SERVER_VERSION = 18;
    private final MemoryDatabase database;
    private boolean autoCommit = true;

    private MemoryConnection(MemoryDatabase database) {
        this.database = database;
    }

    static Connection open(MemoryDatabase database) {
        MemoryConnection connection = new MemoryConnection(database);
        return proxy(Connection.class, (self, method, arguments) -> connection.call(method.getName(), arguments));
    }

    private Object call(String method, Object[] arguments) throws SQLException {
        switch (method) {
            case "setAutoCommit" -> autoCommit = (Boolean) arguments[0];
            case "getAutoCommit" -> {
                return autoCommit;
            }
            case "commit" -> database.commit();
            case "rollback" -> {
                if (arguments == null || arguments.length == 0) {
                    database.rollback();
                }
            }
            case "prepareStatement" -> {
                return new Prepared((String) arguments[0]).proxy();
            }
            case "createStatement" -> {
                return proxy(Statement.class, (self, called, values) -> simple(called.getName(), values));
            }
            case "setSavepoint" -> {
                return proxy(Savepoint.class, (self, called, values) -> null);
            }
            case "releaseSavepoint", "setTransactionIsolation" -> {}
            case "close" -> database.rollback();
            case "isClosed" -> {
                return false;
            }
            case "getMetaData" -> {
                return proxy(DatabaseMetaData.class, (self, called, values) -> server(called.getName()));
            }
            default -> throw new UnsupportedOperationException("Connection." + method);
        }
        return null;
    }

    private static Object server(String method) {
        return switch (method) {
            case "getUserName" -> "replicator";
            case "getDatabaseMajorVersion" -> SERVER_VERSION;
            default -> throw new UnsupportedOperationException("DatabaseMetaData." + method);
        };
    }

    private Object simple(String method, Object[] arguments) throws SQLException {
        return switch (method) {
            case "execute" -> {
                run((String) arguments[0], new Object[0]);
                yield false;
            }
            case "executeUpdate" -> run((String) arguments[0], new Object[0]).changed();
            case "executeQuery" -> new Rows(
                            run((String) arguments[0], new Object[0]).rows())
                    .proxy();
            case "setEscapeProcessing", "close" -> null;
            default -> throw new UnsupportedOperationException("Statement." + method);
        };
    }

    private SqlStatement.Result run(String sql, Object[] arguments) throws SQLException {
        try {
            SqlStatement.Result result = SqlStatement.of(sql).run(database, arguments);
            if (autoCommit) {
                database.commit();
            }
            return result;
        } catch (MemoryDatabase.Violation e) {
            if (autoCommit) {
                database.rollback();
            }
            throw e.asSql();
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return (T) Proxy.newProxyInstance(MemoryConnection.class.getClassLoader(), new Class<?>[] {type}, handler);
    }

    /** A statement with arguments. */
    private final class Prepared {
        private final String sql;
        private Object[] arguments = new Object[16];
        private final List<Object[]> batch = new ArrayList<>();
        private SqlStatement.Result result;

        Prepared(String sql) {
            this.sql = sql;
        }

        PreparedStatement proxy() {
            return MemoryConnection.proxy(
                    PreparedStatement.class, (self, method, values) -> call(method.getName(), values));
        }

        private Object call(String method, Object[] values) throws SQLException {
            switch (method) {
                case "setObject", "setString", "setLong", "setInt", "setBoolean" -> {
                    arguments[(Integer) values[0] - 1] = values[1];
                    return null;
                }
                case "executeUpdate" -> {
                    return run(sql, arguments).changed();
                }
                case "executeQuery" -> {
                    return new Rows(run(sql, arguments).rows()).proxy();
                }
                case "execute" -> {
                    result = run(sql, arguments);
                    return false;
                }
                case "getResultSet" -> {
                    return new Rows(result.rows()).proxy();
                }
                case "addBatch" -> {
                    batch.add(arguments);
                    arguments = new Object[16];
                    return null;
                }
                case "executeBatch" -> {
                    for (Object[] one : batch) {
                        run(sql, one);
                    }
                    batch.clear();
                    return new int[0];
                }
                case "getParameterMetaData" -> {
                    int count = (int) sql.chars().filter(c -> c == '?').count();
                    return MemoryConnection.proxy(ParameterMetaData.class, (self, called, none) -> count);
                }
                case "close" -> {
                    return null;
                }
                default -> throw new UnsupportedOperationException("PreparedStatement." + method);
            }
        }
    }

    /** Rows of an answer. */
    private static final class Rows {
        private final List<Object[]> rows;
        private int at = -1;

        Rows(List<Object[]> rows) {
            this.rows = rows;
        }

        ResultSet proxy() {
            return MemoryConnection.proxy(ResultSet.class, (self, method, values) -> call(method.getName(), values));
        }

        private Object call(String method, Object[] values) {
            switch (method) {
                case "next" -> {
                    return ++at < rows.size();
                }
                case "close" -> {
                    return null;
                }
                default -> {
                    Object value = rows.get(at)[(Integer) values[0] - 1];
                    return converted(method, value);
                }
            }
        }

        private static Object converted(String method, Object value) {
            return switch (method) {
                case "getString" -> value == null ? null : value.toString();
                case "getLong" -> value == null ? 0L : ((Number) value).longValue();
                case "getInt" -> value == null ? 0 : ((Number) value).intValue();
                case "getBoolean" -> Boolean.TRUE.equals(value);
                case "getObject" -> value instanceof UUID ? value : value;
                case "getArray" -> array((String[]) value);
                default -> throw new UnsupportedOperationException("ResultSet." + method);
            };
        }

        private static Array array(String[] elements) {
            String[] copy = Arrays.copyOf(elements, elements.length);
            return MemoryConnection.proxy(Array.class, (self, method, values) -> copy);
        }
    }
}
