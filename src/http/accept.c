/* The Accept field. Floor 4; worker. RFC 9110 12.4.2, 12.5.1 */
#include "hostel/http/accept.h"

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); what is none weighs nothing */
static unsigned
weight_parse(struct span s)
{
    unsigned v, unit = ACCEPT_WEIGHT_MAX;

    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return 0;
    v = (unsigned)(s.p[0] - '0') * unit;
    for (size_t i = 2; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        unit /= 10;
        v += (unsigned)(s.p[i] - '0') * unit;
    }
    return v <= ACCEPT_WEIGHT_MAX ? v : 0;
}

/* Of one member of the list: "type/subtype;level=1;q=0.5" */
static unsigned
member_weight(struct span member, struct span type)
{
    struct span part;

    if (!span_cut(&member, ';', &part) || !span_ieq(part, type))
        return 0;
    while (span_cut(&member, ';', &part))
        if (part.n >= 2 && span_ieq(span_of(part.p, 2), SPAN("q=")))
            return weight_parse(span_skip(part, 2));
    return ACCEPT_WEIGHT_MAX;
}

unsigned
accept_weight(const struct request *r, struct span type)
{
    unsigned best = 0;

    for (unsigned i = 0; i < r->nfields; i++) {
        struct span rest = r->fields[i].value, member;

        if (!span_ieq(r->fields[i].name, SPAN("accept")))
            continue;
        while (span_cut(&rest, ',', &member)) {
            unsigned w = member_weight(member, type);

            best = w > best ? w : best;
        }
    }
    return best;
}
