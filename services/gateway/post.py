"""Mail: the few letters that the gateway writes, sent by SMTP where an operator has set a server."""

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from services.common.errors import Unavailable
from services.gateway.settings import SmtpSettings

log = logging.getLogger(__name__)

SMTP_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText:
    """One letter in one language; `{link}` stands for the link."""

    subject: str
    text: str


LETTERS = {
    ("reset", "en"): LetterText(
        subject="Choose a new password",
        text="Somebody, hopefully you, asked for a new password.\n\n{link}\n\nThe link works once, for an hour. "
        "If it was not you, do nothing: your password stays.\n",
    ),
    ("reset", "ko"): LetterText(
        subject="새 비밀번호를 정해 주세요",
        text="비밀번호를 다시 정하려는 요청을 받았어요.\n\n{link}\n\n이 링크는 한 시간 동안 한 번만 쓸 수 있어요. "
        "요청한 적이 없다면 그대로 두세요. 비밀번호는 바뀌지 않아요.\n",
    ),
    ("verify", "en"): LetterText(
        subject="Is this your address?",
        text="This address was given for an account. If that was you, open this link:\n\n{link}\n\n"
        "It works for three days.\n",
    ),
    ("verify", "ko"): LetterText(
        subject="이 주소가 맞나요?",
        text="이 주소로 계정을 만들었어요. 본인이 맞다면 아래 링크를 열어 주세요.\n\n{link}\n\n"
        "사흘 동안 쓸 수 있어요.\n",
    ),
}
PAGES = {"reset": "reset-password", "verify": "verify-email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Writes letters and hands them to the mail server."""

    smtp: SmtpSettings
    public_url: str

    def send(self, to: str, purpose: str, locale: str, secret: str) -> None:
        """Raises Unavailable when the mail server does not take it."""
        letter = LETTERS[purpose, locale]
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.smtp.sender, to, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.smtp.sender.rpartition("@")[2])
        message.set_content(letter.text.format(link=page_link(self.public_url, purpose, secret)))
        try:
            with self._connect() as server:
                if self.smtp.username:
                    server.login(self.smtp.username, self.smtp.password.get_secret_value())
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail server did not take a letter", exc_info=error)
            raise Unavailable("the mail server cannot be reached; try again soon", reason="MAIL_DOWN") from error

    def _connect(self) -> smtplib.SMTP:
        if self.smtp.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.smtp.host, self.smtp.port, timeout=SMTP_SECONDS, context=context)
        server = smtplib.SMTP(self.smtp.host, self.smtp.port, timeout=SMTP_SECONDS)
        try:
            if self.smtp.security == "starttls":
                server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
        return server


def page_link(public_url: str, purpose: str, secret: str) -> str:
    """The page that takes a letter's secret; behind `#`, so that it is in no server's log."""
    return f"{public_url.rstrip('/')}/{PAGES[purpose]}#{secret}"
