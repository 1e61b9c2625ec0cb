package dev.replicator.capture.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** Expected names are what format_type gives on PostgreSQL 18. */
class BuiltinTypesTest {
    @Test
    void shouldNameTypesAsTheServerDoes() {
        assertEquals("integer", BuiltinTypes.format(23, -1));
        assertEquals("bpchar", BuiltinTypes.format(1042, -1));
        assertEquals("character(5)", BuiltinTypes.format(1042, 9));
        assertEquals("character varying(20)[]", BuiltinTypes.format(1015, 24));
        assertEquals("numeric(10,2)", BuiltinTypes.format(1700, (10 << 16 | 2) + 4));
        assertEquals("numeric(3,-2)", BuiltinTypes.format(1700, (3 << 16 | 0x7FE) + 4));
        assertEquals("timestamp(3) with time zone", BuiltinTypes.format(1184, 3));
        assertEquals("bit varying(8)", BuiltinTypes.format(1562, 8));
        assertEquals("interval day to second(2)", BuiltinTypes.format(1186, 0x1C08 << 16 | 2));
        assertEquals("\"char\"", BuiltinTypes.format(18, -1));
    }

    @Test
    void shouldNotKnowTypesThatAreNotBuiltIn() {
        assertNull(BuiltinTypes.format(16400, -1));
    }
}
