/* The leg's side of _packet_path.c: what it receives, what it sends and when. */

/* -- Reception */

typedef struct {
    PyObject_HEAD
    ll ssrc, base, highest, next, expected_before, arrival, timestamp, received, late;
    double jitter;
} Reception;

static PyTypeObject Reception_Type;

static int reception_packet(Reception *self, ll sequence, ll timestamp, ll ssrc, ll now) {
    self->received++;
    ll change = now - self->arrival - (timestamp - self->timestamp) * SAMPLE;
    self->arrival = now;
    self->timestamp = timestamp;
    if (sequence == self->next && ssrc == self->ssrc) {
        self->highest++;
        self->next = (sequence + 1) & 0xFFFF;
        if (change < 0) change = -change;
        if (change < 10000000000LL) self->jitter += ((double)change - self->jitter) * 0.0625;
        return 0;
    }
    PyObject *which = PyLong_FromLongLong(sequence), *whose = PyLong_FromLongLong(ssrc);
    int result = -1;
    if (which != NULL && whose != NULL)
        result = truth(PyObject_CallMethodObjArgs((PyObject *)self, name_unusual, which, whose, NULL));
    Py_XDECREF(which);
    Py_XDECREF(whose);
    return result;
}

static PyObject *Reception_packet(Reception *self, PyObject *const *words, Py_ssize_t count) {
    ll sequence, timestamp, ssrc, now;
    if (counted("packet", count, 4, 4) || to_ll(words[0], &sequence) || to_ll(words[1], &timestamp) ||
        to_ll(words[2], &ssrc) || to_ll(words[3], &now))
        return NULL;
    int result = reception_packet(self, sequence, timestamp, ssrc, now);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyMemberDef reception_members[] = {
    NUMBER(Reception, ssrc, "_ssrc"), NUMBER(Reception, base, "_base"), NUMBER(Reception, highest, "_highest"),
    NUMBER(Reception, next, "_next"), NUMBER(Reception, expected_before, "_expected_before"),
    NUMBER(Reception, arrival, "_arrival"), NUMBER(Reception, timestamp, "_timestamp"),
    NUMBER(Reception, received, "received"), NUMBER(Reception, late, "late"),
    {"_jitter", T_DOUBLE, offsetof(Reception, jitter), 0, NULL}, {NULL}};
static PyMethodDef reception_methods[] = {FAST(Reception, packet), {NULL}};

static PyTypeObject Reception_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "telephony.media._packet_path.Reception",
    .tp_basicsize = sizeof(Reception),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_members = reception_members,
    .tp_methods = reception_methods,
};

/* -- Pacing */

typedef struct {
    PyObject_HEAD
    ll backlogged, due;
    char in_gap;
    PyObject *queue;
} Pacing;

HOLDS(Pacing, queue, 1)

static int pacing_push(Pacing *self, PyObject *payload, Py_ssize_t size, ll now) {
    if (missing(self->queue, "_queue")) return -1;
    Py_ssize_t waiting = PyObject_Size(self->queue);
    if (waiting < 0) return -1;
    ll due = self->due;
    if (waiting || (now < due - TOLERANCE && !self->in_gap))
        return truth(PyObject_CallMethodObjArgs((PyObject *)self, name_wait, payload, NULL));
    self->due = (now > due || self->in_gap ? now : due) + size * SAMPLE;
    self->backlogged = 0;
    self->in_gap = 0;
    return 1;
}

static PyObject *Pacing_push(Pacing *self, PyObject *const *words, Py_ssize_t count) {
    ll now;
    if (counted("push", count, 2, 2) || to_ll(words[1], &now)) return NULL;
    Py_ssize_t size = PyObject_Size(words[0]);
    if (size < 0) return NULL;
    int result = pacing_push(self, words[0], size, now);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyMemberDef pacing_members[] = {
    NUMBER(Pacing, backlogged, "_backlogged"), NUMBER(Pacing, due, "_due"), FLAG(Pacing, in_gap, "in_gap"),
    OBJECT(Pacing, queue, "_queue"), {NULL}};
static PyMethodDef pacing_methods[] = {FAST(Pacing, push), {NULL}};
static PyTypeObject Pacing_Type = {
    HOLDER(Pacing, Py_TPFLAGS_BASETYPE), .tp_members = pacing_members, .tp_methods = pacing_methods};

/* -- transmitter: the connected socket of a leg; keeps it from being closed by being forgotten */

typedef struct {
    PyObject_HEAD
    int descriptor;
    PyObject *socket;
} transmitter;

HOLDS(transmitter, socket, 1)

static int socket_descriptor(PyObject *socket) {
    PyObject *number = PyObject_CallMethodNoArgs(socket, name_fileno);
    if (number == NULL) return -2;
    long value = PyLong_AsLong(number);
    Py_DECREF(number);
    if (value == -1 && PyErr_Occurred()) return -2;
    if (value < 0 || value > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "the socket is closed");
        return -2;
    }
    return (int)value;
}

static int transmitter_init(transmitter *self, PyObject *words, PyObject *named) {
    PyObject *socket;
    if (named != NULL && PyDict_GET_SIZE(named) > 0) {
        PyErr_SetString(PyExc_TypeError, "transmitter takes no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(words, "O", &socket)) return -1;
    int descriptor = socket_descriptor(socket);
    if (descriptor < 0) return -1;
    self->descriptor = descriptor;
    Py_INCREF(socket);
    Py_XSETREF(self->socket, socket);
    return 0;
}

static ssize_t transmit(int descriptor, const void *datagram, size_t size) {
    ssize_t sent;
    do sent = send(descriptor, datagram, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static PyObject *transmitter_call(transmitter *self, PyObject *words, PyObject *named) {
    Py_buffer datagram;
    if (named != NULL && PyDict_GET_SIZE(named) > 0) {
        PyErr_SetString(PyExc_TypeError, "a datagram is given by its place");
        return NULL;
    }
    if (!PyArg_ParseTuple(words, "y*", &datagram)) return NULL;
    if (missing(self->socket, "the socket")) {
        PyBuffer_Release(&datagram);
        return NULL;
    }
    ssize_t sent = transmit(self->descriptor, datagram.buf, (size_t)datagram.len);
    PyBuffer_Release(&datagram);
    return sent < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromSsize_t(sent);
}

static PyTypeObject transmitter_Type = {
    HOLDER(transmitter, 0), .tp_init = (initproc)transmitter_init, .tp_call = (ternaryfunc)transmitter_call};

/* -- Sending */

typedef struct {
    PyObject_HEAD
    ll ssrc, sequence, timestamp, stands_for, least_behind, judged, payload_type, sent, unsent;
    char marker, keying;
    PyObject *pacer, *transmit, *on_sent;
} Sending;

HOLDS(Sending, pacer, 3)

static void put16(unsigned char *at, ll value) {
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, ll value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* An OSError is counted, every other exception goes on. */
static int sending_transmit(Sending *self, const unsigned char *header, PyObject *payload) {
    size_t size = (size_t)PyBytes_GET_SIZE(payload);
    if (missing(self->transmit, "transmit")) return -1;
    if (Py_TYPE(self->transmit) == &transmitter_Type && size <= MOST_SAMPLES) {
        unsigned char datagram[RTP_HEADER + MOST_SAMPLES];
        memcpy(datagram, header, RTP_HEADER);
        memcpy(datagram + RTP_HEADER, PyBytes_AS_STRING(payload), size);
        if (transmit(((transmitter *)self->transmit)->descriptor, datagram, RTP_HEADER + size) < 0) self->unsent++;
        return 0;
    }
    PyObject *datagram = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(RTP_HEADER + size));
    if (datagram == NULL) return -1;
    memcpy(PyBytes_AS_STRING(datagram), header, RTP_HEADER);
    memcpy(PyBytes_AS_STRING(datagram) + RTP_HEADER, PyBytes_AS_STRING(payload), size);
    PyObject *way = self->transmit;
    Py_INCREF(way);
    int result = done(PyObject_CallOneArg(way, datagram));
    Py_DECREF(way);
    Py_DECREF(datagram);
    if (result < 0 && PyErr_ExceptionMatches(PyExc_OSError)) {
        PyErr_Clear();
        self->unsent++;
        return 0;
    }
    return result;
}

static int sending_send(Sending *self, PyObject *payload, ll now) {
    ll behind = now - self->stands_for;
    if (behind < self->least_behind) self->least_behind = behind;
    if (++self->judged >= JUDGED && done(PyObject_CallMethodNoArgs((PyObject *)self, name_judge))) return -1;
    ll second = self->payload_type;
    if (self->marker) {
        self->marker = 0;
        second |= 0x80;
        if (!self->stands_for) {
            self->stands_for = now;
        } else if (behind >= MOST_BEHIND) {
            PyObject *by = PyLong_FromLongLong(behind);
            if (by == NULL) return -1;
            int result = done(PyObject_CallMethodOneArg((PyObject *)self, name_keep_up, by));
            Py_DECREF(by);
            if (result < 0) return -1;
        }
    }
    unsigned char header[RTP_HEADER] = {0x80, (unsigned char)second};
    ll timestamp = self->timestamp, samples = PyBytes_GET_SIZE(payload);
    put16(header + 2, self->sequence);
    put32(header + 4, timestamp);
    put32(header + 8, self->ssrc);
    if (sending_transmit(self, header, payload) < 0) return -1;
    self->sent++;
    self->sequence = (self->sequence + 1) & 0xFFFF;
    self->timestamp = (timestamp + samples) & 0xFFFFFFFF;
    self->stands_for += samples * SAMPLE;
    if (self->on_sent == NULL || self->on_sent == Py_None) return 0;
    PyObject *hears = self->on_sent;
    Py_INCREF(hears);
    int result = done(PyObject_CallFunction(hears, "LLOL", self->payload_type, timestamp, payload, now));
    Py_DECREF(hears);
    return result;
}

/* 1: sent or not wanted, 0: it waits */
static int sending_audio(Sending *self, PyObject *payload, ll now) {
    if (self->keying) return 1;
    if (missing(self->pacer, "_pacer")) return -1;
    if (!PyObject_TypeCheck(self->pacer, &Pacing_Type) || !PyBytes_Check(payload)) {
        PyErr_SetString(PyExc_TypeError, "a Pacing and a payload of bytes are needed");
        return -1;
    }
    PyObject *pacer = self->pacer;
    Py_INCREF(pacer);
    int passes = pacing_push((Pacing *)pacer, payload, PyBytes_GET_SIZE(payload), now);
    Py_DECREF(pacer);
    if (passes <= 0) return passes;
    return sending_send(self, payload, now) < 0 ? -1 : 1;
}

static PyObject *Sending_audio(Sending *self, PyObject *const *words, Py_ssize_t count) {
    ll now;
    if (counted("audio", count, 2, 2) || to_ll(words[1], &now)) return NULL;
    int result = sending_audio(self, words[0], now);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyObject *Sending__send(Sending *self, PyObject *const *words, Py_ssize_t count) {
    ll now;
    if (counted("_send", count, 2, 2) || to_ll(words[1], &now)) return NULL;
    if (!PyBytes_Check(words[0])) {
        PyErr_SetString(PyExc_TypeError, "a payload is bytes");
        return NULL;
    }
    if (sending_send(self, words[0], now) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef sending_members[] = {
    NUMBER(Sending, ssrc, "_ssrc"), NUMBER(Sending, sequence, "_sequence"), NUMBER(Sending, timestamp, "_timestamp"),
    NUMBER(Sending, stands_for, "_stands_for"), NUMBER(Sending, least_behind, "_least_behind"),
    NUMBER(Sending, judged, "_judged"), NUMBER(Sending, payload_type, "_payload_type"), NUMBER(Sending, sent, "sent"),
    NUMBER(Sending, unsent, "unsent"), FLAG(Sending, marker, "_marker"), FLAG(Sending, keying, "_keying"),
    OBJECT(Sending, pacer, "_pacer"), OBJECT(Sending, transmit, "transmit"), OBJECT(Sending, on_sent, "on_sent"),
    {NULL}};
static PyMethodDef sending_methods[] = {FAST(Sending, audio), FAST(Sending, _send), {NULL}};
static PyTypeObject Sending_Type = {
    HOLDER(Sending, Py_TPFLAGS_BASETYPE), .tp_members = sending_members, .tp_methods = sending_methods};

/* -- Receiving */

typedef struct {
    PyObject_HEAD
    int descriptor; /* never used while ``socket`` is NULL */
    char may_send;
    PyObject *socket, *on_audio, *latch, *quality, *sender;
} Receiving;

HOLDS(Receiving, socket, 5)

static PyObject *Receiving__receive_from(Receiving *self, PyObject *const *words, Py_ssize_t count) {
    if (counted("_receive_from", count, 1, 1)) return NULL;
    if (words[0] == Py_None) {
        Py_CLEAR(self->socket);
        Py_RETURN_NONE;
    }
    int descriptor = socket_descriptor(words[0]);
    if (descriptor < 0) return NULL;
    self->descriptor = descriptor;
    Py_INCREF(words[0]);
    Py_XSETREF(self->socket, words[0]);
    Py_RETURN_NONE;
}

static int receiving_complete(Receiving *self) {
    if (missing(self->on_audio, "on_audio") || missing(self->latch, "_latch") || missing(self->quality, "_quality") ||
        missing(self->sender, "_sender"))
        return -1;
    if (!PyObject_TypeCheck(self->quality, &Reception_Type) || !PyObject_TypeCheck(self->sender, &Sending_Type)) {
        PyErr_SetString(PyExc_TypeError, "a Reception and a Sending are needed");
        return -1;
    }
    return 0;
}

static ll get32(const unsigned char *at) {
    return (ll)at[0] << 24 | (ll)at[1] << 16 | (ll)at[2] << 8 | at[3];
}

/* A packet of G.711 without CSRC, extension and padding. */
static int plain(Receiving *self, unsigned char *data, Py_ssize_t size, PyObject *now, ll at) {
    int result = -1;
    PyObject *quality = self->quality;
    Py_INCREF(quality);
    int begins =
        reception_packet((Reception *)quality, (ll)data[2] << 8 | data[3], get32(data + 4), get32(data + 8), at);
    Py_DECREF(quality);
    if (begins < 0) return -1;
    if (begins) data[1] |= 0x80;
    PyObject *header = PyBytes_FromStringAndSize((char *)data, RTP_HEADER);
    PyObject *payload = PyBytes_FromStringAndSize((char *)data + RTP_HEADER, size - RTP_HEADER);
    PyObject *timestamp = PyLong_FromLongLong(get32(data + 4));
    if (header != NULL && payload != NULL && timestamp != NULL) {
        PyObject *words[] = {header, payload, timestamp, now}, *hears = self->on_audio;
        Py_INCREF(hears);
        result = done(PyObject_Vectorcall(hears, words, 4, NULL));
        Py_DECREF(hears);
    }
    Py_XDECREF(header);
    Py_XDECREF(payload);
    Py_XDECREF(timestamp);
    return result;
}

static PyObject *Receiving__read_connected(Receiving *self, PyObject *const *words, Py_ssize_t count) {
    unsigned char data[MOST_BYTES];
    ll at;
    if (counted("_read_connected", count, 1, 1) || to_ll(words[0], &at)) return NULL;
    if (missing(self->socket, "the socket") || receiving_complete(self)) return NULL;
    ssize_t size;
    do size = recv(self->descriptor, data, sizeof data, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK) ((Sending *)self->sender)->unsent++; /* an ICMP error */
        Py_RETURN_NONE;
    }
    if (PyObject_SetAttr(self->latch, name_last_heard, words[0]) < 0) return NULL;
    int kind = size > RTP_HEADER && size <= RTP_HEADER + MOST_SAMPLES && data[0] == 0x80 ? data[1] & 0x7F : -1;
    int result;
    if (kind == 8 || kind == 0) {
        result = plain(self, data, size, words[0], at);
    } else {
        PyObject *datagram = PyBytes_FromStringAndSize((char *)data, size);
        if (datagram == NULL) return NULL;
        result = done(PyObject_CallMethodObjArgs((PyObject *)self, name_packet, datagram, words[0], NULL));
        Py_DECREF(datagram);
    }
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

static int receiving_send_audio(Receiving *self, PyObject *payload, ll now) {
    if (!self->may_send) return 0;
    if (receiving_complete(self)) return -1;
    PyObject *sender = self->sender;
    Py_INCREF(sender);
    int sent = sending_audio((Sending *)sender, payload, now ? now : now_ns());
    Py_DECREF(sender);
    if (sent < 0) return -1;
    return sent ? 0 : done(PyObject_CallMethodNoArgs((PyObject *)self, name_waits));
}

static PyObject *Receiving_send_audio(Receiving *self, PyObject *const *words, Py_ssize_t count) {
    ll now = 0;
    if (counted("send_audio", count, 1, 2) || (count == 2 && to_ll(words[1], &now))) return NULL;
    if (receiving_send_audio(self, words[0], now) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef receiving_members[] = {
    FLAG(Receiving, may_send, "_may_send"), OBJECT(Receiving, on_audio, "on_audio"),
    OBJECT(Receiving, latch, "_latch"), OBJECT(Receiving, quality, "_quality"), OBJECT(Receiving, sender, "_sender"),
    {NULL}};
static PyMethodDef receiving_methods[] = {
    FAST(Receiving, _receive_from), FAST(Receiving, _read_connected), FAST(Receiving, send_audio), {NULL}};
static PyTypeObject Receiving_Type = {
    HOLDER(Receiving, Py_TPFLAGS_BASETYPE), .tp_members = receiving_members, .tp_methods = receiving_methods};
