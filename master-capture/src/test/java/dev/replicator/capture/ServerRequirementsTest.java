package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerRequirementsTest {
    @ParameterizedTest
    @ValueSource(ints = {140018, 150013, 160009, 170005, 180000, 190000})
    void r06ShouldAcceptServersThatReadTheirLogTheSameTwice(int version) {
        assertEquals("", ServerRequirements.defect(version));
        ServerRequirements.check(version);
    }

    @ParameterizedTest
    @ValueSource(ints = {140017, 150012, 160008, 170004})
    void r06ShouldRefuseMinorsThatDecodeWithStaleCaches(int version) {
        ReplicatorException refused = assertThrows(ReplicatorException.class, () -> ServerRequirements.check(version));
        assertEquals(ErrorCode.CONFIGURATION, refused.code());
        assertTrue(refused.getMessage().contains("may lose changes around DDL"), refused.getMessage());
        String next = (version / 10000) + "." + (version % 10000 + 1) + " or later is needed";
        assertTrue(refused.getMessage().contains(next), refused.getMessage());
    }

    @Test
    void shouldRefuseMajorsWithoutWhatWeNeed() {
        assertEquals(
                "PostgreSQL 13 is not supported: version 14 or later is needed", ServerRequirements.defect(130099));
    }
}
