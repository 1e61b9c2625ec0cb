package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.ValueEncoding;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Modifiers as pg_attribute.atttypmod holds them. */
class TypeNamesTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "int8 | -1 | int8",
                "varchar | 24 | varchar(20)",
                "varchar | -1 | varchar",
                "bpchar | 5 | bpchar(1)",
                "numeric | 655366 | numeric(10,2)",
                "numeric | 329729 | numeric(5,-3)",
                "bit | 4 | bit(4)",
                "timestamptz | 3 | timestamptz(3)",
                "_varchar | 24 | varchar(20)[]",
                "ext.citext | -1 | ext.citext"
            })
    void shouldWriteTypeWithModifier(String type, int modifier, String sql) {
        assertEquals(sql, TypeNames.sql(new ColumnSchema("c", type, 1, modifier, false, ValueEncoding.TEXT)));
    }
}
