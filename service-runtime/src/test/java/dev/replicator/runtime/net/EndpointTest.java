package dev.replicator.runtime.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EndpointTest {
    @Test
    void shouldReadAndWriteAddresses() {
        assertEquals(new Endpoint("fw", 7700), Endpoint.parse("fw:7700"));
        assertEquals(new Endpoint("::1", 7700), Endpoint.parse("[::1]:7700"));
        assertEquals("[::1]:7700", Endpoint.parse("[::1]:7700").toString());
        assertEquals("0.0.0.0:0", Endpoint.parse("0.0.0.0:0").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "fw", ":7700", "fw:", "fw:x", "fw:65536", "fw:-1", "::1:7700"})
    void shouldRefuseWhatIsNoAddress(String text) {
        assertThrows(IllegalArgumentException.class, () -> Endpoint.parse(text));
    }
}
