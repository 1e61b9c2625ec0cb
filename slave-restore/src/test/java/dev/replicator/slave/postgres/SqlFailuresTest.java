package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class SqlFailuresTest {

    @ParameterizedTest
    @CsvSource({
        "08006, CONNECTION",
        "57P01, CONNECTION",
        "57P03, CONNECTION",
        "28P01, CONNECTION",
        "40P01, WEATHER",
        "40001, WEATHER",
        "53100, WEATHER",
        "53300, WEATHER",
        "57014, WEATHER",
        "55P03, WEATHER",
        "25006, WEATHER",
        "58030, WEATHER",
        "23505, CONFLICT",
        "23503, CONFLICT",
        "23P01, CONFLICT",
        "22001, TABLE_ERROR",
        "42P01, TABLE_ERROR",
        "42501, TABLE_ERROR",
        "55000, TABLE_ERROR",
        "0A000, TABLE_ERROR",
        "XX000, TABLE_ERROR",
        "P0001, TABLE_ERROR"
    })
    void r23ShouldClassifyBySqlState(String state, SqlFailures.Kind kind) {
        assertEquals(kind, SqlFailures.classify(new SQLException("any text", state)));
    }

    @Test
    void shouldTakeFailureWithoutStateAsTableError() {
        assertEquals(SqlFailures.Kind.TABLE_ERROR, SqlFailures.classify(new SQLException("deadlock detected")));
    }

    @Test
    void shouldKeepRowValuesOutOfDescriptions() {
        String value = "secret-value";
        SQLException bad = new PSQLException(
                new ServerErrorMessage("SERROR\0C22P02\0Minvalid input syntax: \"" + value + "\"\0nqty\0\0"));
        assertFalse(SqlFailures.describe(bad).contains(value));
        SQLException duplicate = new PSQLException(new ServerErrorMessage(
                "SERROR\0C23505\0Mduplicate key violates \"t_pkey\"\0DKey (id)=(" + value + ")\0\0"));
        assertTrue(SqlFailures.describe(duplicate).contains("t_pkey"));
        assertFalse(SqlFailures.describe(duplicate).contains(value));
    }
}
